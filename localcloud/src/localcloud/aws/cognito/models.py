"""The client secrets of app clients: at most two each, and never shown again.

ministack keeps one client secret for each app client. Here are all of them, and which of them the
token endpoint accepts. They exist as long as ministack's app clients do: both are in memory.

Sources: the API reference of AddUserPoolClientSecret, ListUserPoolClientSecrets,
DeleteUserPoolClientSecret and ClientSecretDescriptorType; floci's pull request 345, which tried
DescribeUserPoolClient on AWS.
"""

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from localcloud.aws.protocol import ApiError

MOST_SECRETS: Final = 2
_LENGTH: Final = 52
_ALPHABET: Final = string.ascii_lowercase + string.digits

JsonObject = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ClientSecret:
    """A client secret.

    Attributes:
        id: its id.
        value: what a client presents.
        created: when it was created, in seconds since the epoch.
        accepted_from: when the token endpoint starts to accept it, in seconds since the epoch.
    """

    id: str
    value: str = field(repr=False)
    created: int
    accepted_from: float

    def description(self) -> JsonObject:
        """Return the secret's descriptor, which never has the value."""
        return {"ClientSecretId": self.id, "ClientSecretCreateDate": self.created}


@dataclass(frozen=True, kw_only=True)
class AppClient:
    """An app client.

    Attributes:
        id: its id.
        user_pool_id: its user pool.
        secrets: its client secrets, oldest first; a public client has none.
        original: the client secret that it was created with, deleted or not. It is the only one
            that ministack knows. None for a public client.
        last_epoch: the number in the id of the newest secret that it ever had.
    """

    id: str
    user_pool_id: str
    secrets: tuple[ClientSecret, ...]
    original: ClientSecret | None
    last_epoch: int

    @property
    def has_original(self) -> bool:
        """Whether the client secret that it was created with still exists."""
        return self.original in self.secrets

    def accepts(self, presented: str, now: float) -> bool:
        """Return whether the token endpoint accepts a client secret.

        Args:
            presented: the client secret of a request.
            now: the time, in seconds since the epoch.
        """
        matches = [
            secrets.compare_digest(each.value.encode(), presented.encode()) for each in self.secrets
        ]
        return any(
            matched and now >= each.accepted_from
            for matched, each in zip(matches, self.secrets, strict=True)
        )


class ClientSecrets:
    """The client secrets of all app clients."""

    def __init__(self, *, clock: Callable[[], float], delay: float = 0.0) -> None:
        """Start without app clients.

        Args:
            clock: returns the time, in seconds since the epoch.
            delay: seconds until the token endpoint accepts an added client secret. Cognito is
                eventually consistent.
        """
        self._clock = clock
        self._delay = delay
        self._clients: dict[str, AppClient] = {}

    def set_delay(self, seconds: float) -> None:
        """Set the delay of the client secrets that are added from now on."""
        self._delay = seconds

    def register(self, created: Mapping[str, Any]) -> None:
        """Remember an app client that was just created.

        Args:
            created: the UserPoolClient in the response of CreateUserPoolClient.
        """
        client_id, epoch = created["ClientId"], int(self._clock())
        original = None
        if value := created.get("ClientSecret"):
            original = ClientSecret(
                id=f"{client_id}--{epoch}", value=value, created=epoch, accepted_from=0.0
            )
        self._clients[client_id] = AppClient(
            id=client_id,
            user_pool_id=created["UserPoolId"],
            secrets=() if original is None else (original,),
            original=original,
            last_epoch=epoch,
        )

    def forget_client(self, client_id: str) -> None:
        """Forget the client secrets of a deleted app client."""
        self._clients.pop(client_id, None)

    def forget_pool(self, user_pool_id: str) -> None:
        """Forget the client secrets of a deleted user pool's app clients."""
        self._clients = {
            name: client
            for name, client in self._clients.items()
            if client.user_pool_id != user_pool_id
        }

    def find(self, client_id: str) -> AppClient | None:
        """Return an app client, or None."""
        return self._clients.get(client_id)

    def accepts(self, client: AppClient, presented: str) -> bool:
        """Return whether the token endpoint now accepts a client secret of an app client."""
        return client.accepts(presented, self._clock())

    def describe(self, shown: Mapping[str, Any]) -> JsonObject:
        """Return an app client as Cognito shows it: with the original client secret or none.

        Args:
            shown: the app client as ministack shows it.
        """
        client = self._clients.get(shown["ClientId"])
        if client is None or client.has_original:
            return dict(shown)
        return {name: value for name, value in shown.items() if name != "ClientSecret"}

    def add(self, parameters: Mapping[str, Any]) -> JsonObject:
        """Run AddUserPoolClientSecret.

        Raises:
            ApiError: the app client doesn't exist, is public or has two client secrets.
        """
        client = self._client(parameters)
        if client.original is None:
            raise ApiError(
                "InvalidParameterException", "A public app client can't have a client secret."
            )
        if len(client.secrets) >= MOST_SECRETS:
            raise ApiError(
                "LimitExceededException",
                f"The app client has {MOST_SECRETS} client secrets, the maximum: delete one first.",
            )
        now = self._clock()
        # No id is used twice, whichever secrets were deleted within the same second.
        epoch = max(int(now), client.last_epoch + 1)
        given = parameters.get("ClientSecret")
        added = ClientSecret(
            id=f"{client.id}--{epoch}",
            value=given or _generate(),
            created=int(now),
            accepted_from=now + self._delay,
        )
        self._clients[client.id] = replace(
            client, secrets=(*client.secrets, added), last_epoch=epoch
        )
        generated = {} if given else {"ClientSecretValue": added.value}
        return {"ClientSecretDescriptor": added.description() | generated}

    def list(self, parameters: Mapping[str, Any]) -> JsonObject:
        """Run ListUserPoolClientSecrets.

        Raises:
            ApiError: the app client doesn't exist, or there is a NextToken.
        """
        client = self._client(parameters)
        if parameters.get("NextToken") is not None:
            # All client secrets are in the first response, so no token was ever issued.
            raise ApiError("InvalidParameterException", "Invalid pagination token.")
        return {"ClientSecrets": [each.description() for each in client.secrets]}

    def delete(self, parameters: Mapping[str, Any]) -> JsonObject:
        """Run DeleteUserPoolClientSecret.

        Raises:
            ApiError: the app client or the client secret doesn't exist, or it is the last one.
        """
        client = self._client(parameters)
        wanted = parameters["ClientSecretId"]
        left = tuple(each for each in client.secrets if each.id != wanted)
        if left == client.secrets:
            raise ApiError("ResourceNotFoundException", f"Client secret {wanted} does not exist.")
        if not left:
            raise ApiError(
                "InvalidParameterException",
                "The last client secret of an app client can't be deleted.",
            )
        self._clients[client.id] = replace(client, secrets=left)
        return {}

    def _client(self, parameters: Mapping[str, Any]) -> AppClient:
        client = self._clients.get(parameters["ClientId"])
        if client is None or client.user_pool_id != parameters["UserPoolId"]:
            raise ApiError(
                "ResourceNotFoundException",
                f"User pool client {parameters['ClientId']} does not exist.",
            )
        return client


def _generate() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
