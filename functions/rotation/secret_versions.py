"""The versions of one secret in Secrets Manager, with their staging labels."""

from typing import Any, Final

from botocore.exceptions import ClientError

from functions.access import error_code
from functions.rotation.credentials import Credentials, RotationError
from functions.rotation.decisions import Version, Versions
from functions.rotation.services import Operation, Services

LABEL_GONE: Final = frozenset({"InvalidParameterException", "ResourceNotFoundException"})
"""The errors of UpdateSecretVersionStage if the version no longer has the label to remove."""
_GONE: Final = {"ResourceNotFoundException", "InvalidRequestException"}


class LabelMovedError(Exception):
    """A staging label was on another version than expected: someone else moved it."""


class SecretVersions:
    """Reads and writes the versions of one secret."""

    def __init__(self, arn: str, services: Services) -> None:
        """Read nothing yet.

        Args:
            arn: the secret's ARN.
            services: what the invocation works with.
        """
        self.arn = arn
        self._services = services
        self._api = services.secrets_manager

    def list(self) -> Versions:
        """List the versions that have a label.

        Raises:
            RotationError: the secret doesn't exist or is being deleted.
        """
        found: list[Version] = []
        page: dict[str, str] = {}
        while True:
            try:
                answer = self._call(self._api.list_secret_version_ids, **page)
            except ClientError as error:
                if error_code(error) in _GONE:
                    raise RotationError(
                        f"{self.arn} was deleted. Restore it, or refresh the stack and deploy it"
                    ) from error
                raise
            found.extend(
                Version(
                    id=each["VersionId"],
                    stages=frozenset(each.get("VersionStages", ())),
                    created=each["CreatedDate"],
                )
                for each in answer.get("Versions", ())
                if each.get("VersionStages")
            )
            if not answer.get("NextToken"):
                return Versions(tuple(found))
            page = {"NextToken": answer["NextToken"]}

    def find(self, version_id: str) -> Credentials | None:
        """Read a version's value; None if it doesn't exist or has none.

        Raises:
            RotationError: the value isn't a client's credentials.
        """
        try:
            answer = self._call(self._api.get_secret_value, VersionId=version_id)
        except ClientError as error:
            if error_code(error) in _GONE:
                return None
            raise
        return Credentials.parse(answer.get("SecretString", ""))

    def read(self, version_id: str) -> Credentials:
        """Read a version's value.

        Raises:
            RotationError: there is none, or it isn't a client's credentials.
        """
        found = self.find(version_id)
        if found is None:
            raise RotationError(f"version {version_id} of {self.arn} has no value")
        return found

    def write(self, version_id: str, value: Credentials, stages: tuple[str, ...]) -> None:
        """Create a version, unless another invocation has created it already."""
        try:
            self._call(
                self._api.put_secret_value,
                ClientRequestToken=version_id,
                SecretString=value.dump(),
                VersionStages=list(stages),
            )
        except ClientError as error:
            if error_code(error) != "ResourceExistsException":
                raise

    def move(self, stage: str, *, to: str, holder: str | None) -> None:
        """Move a label.

        Args:
            stage: the label.
            to: the version that gets it.
            holder: the version that has it; None if none has.

        Raises:
            LabelMovedError: another version has it.
        """
        if holder == to:
            return
        removal = {} if holder is None else {"RemoveFromVersionId": holder}
        try:
            self._call(
                self._api.update_secret_version_stage,
                VersionStage=stage,
                MoveToVersionId=to,
                **removal,
            )
        except ClientError as error:
            if error_code(error) == "InvalidParameterException":
                raise LabelMovedError(stage) from error
            raise

    def remove(self, stage: str, *, holder: str) -> None:
        """Remove a label, unless the version no longer has it."""
        try:
            self._call(
                self._api.update_secret_version_stage,
                VersionStage=stage,
                RemoveFromVersionId=holder,
            )
        except ClientError as error:
            if error_code(error) not in LABEL_GONE:
                raise

    def _call(self, operation: Operation, **parameters: object) -> dict[str, Any]:
        return self._services.call(operation, SecretId=self.arn, **parameters)
