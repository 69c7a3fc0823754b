"""One app client in Cognito and its client secrets."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from functions.access import error_code
from functions.rotation.credentials import RotationError
from functions.rotation.decisions import ClientSecret
from functions.rotation.services import Operation, Services


class LimitReachedError(Exception):
    """The app client has as many client secrets as Cognito allows."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """What Cognito shows of an app client.

    Attributes:
        original_exists: whether it still has the client secret that it was created with.
        enabled: whether Cognito issues tokens to it.
    """

    original_exists: bool
    enabled: bool


class AppClient:
    """Reads and writes the client secrets of one app client."""

    def __init__(self, client_id: str, services: Services) -> None:
        """Read nothing yet.

        Args:
            client_id: the app client's id.
            services: what the invocation works with.
        """
        self._client_id = client_id
        self._services = services
        self._api = services.cognito

    def describe(self) -> Description:
        """Describe the app client.

        Raises:
            RotationError: it doesn't exist.
        """
        try:
            found = self._call(self._api.describe_user_pool_client)["UserPoolClient"]
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            raise RotationError(
                f"app client {self._client_id} doesn't exist in {self._services.user_pool_id}: it"
                " was deleted by hand. Refresh the stack and deploy it"
            ) from error
        return Description(
            original_exists="ClientSecret" in found,
            enabled=bool(found.get("AllowedOAuthFlowsUserPoolClient"))
            and "client_credentials" in found.get("AllowedOAuthFlows", ()),
        )

    def list(self) -> tuple[ClientSecret, ...]:
        """List the client secrets, without their values."""
        found: list[ClientSecret] = []
        page: dict[str, str] = {}
        while True:
            answer = self._call(self._api.list_user_pool_client_secrets, **page)
            found.extend(
                ClientSecret(id=each["ClientSecretId"], created=each["ClientSecretCreateDate"])
                for each in answer.get("ClientSecrets", ())
            )
            if not answer.get("NextToken"):
                return tuple(found)
            page = {"NextToken": answer["NextToken"]}

    def add(self, client_secret: str) -> str:
        """Add a client secret, and return its id.

        Raises:
            LimitReachedError: there are as many as Cognito allows.
            RotationError: Cognito doesn't accept it.
        """
        try:
            answer = self._call(self._api.add_user_pool_client_secret, ClientSecret=client_secret)
        except ClientError as error:
            code = error_code(error)
            if code == "LimitExceededException":
                raise LimitReachedError(self._client_id) from None
            if code == "InvalidParameterException":
                # AWS's own message can show the value.
                raise RotationError(f"Cognito doesn't accept the client secret: {code}") from None
            raise
        return str(answer["ClientSecretDescriptor"]["ClientSecretId"])

    def delete(self, client_secret_id: str) -> None:
        """Delete a client secret, unless another invocation has deleted it already."""
        try:
            self._call(self._api.delete_user_pool_client_secret, ClientSecretId=client_secret_id)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise

    def _call(self, operation: Operation, **parameters: object) -> dict[str, Any]:
        return self._services.call(
            operation,
            UserPoolId=self._services.user_pool_id,
            ClientId=self._client_id,
            **parameters,
        )
