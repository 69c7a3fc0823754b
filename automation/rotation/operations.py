"""Starts rotations and revocations, and waits for them.

Secrets Manager rotates asynchronously, and reports neither the end nor a failure: the labels of the
secret's versions show the end, and the rotation function's log has a failure's reason.

Source: "RotateSecret" in the AWS Secrets Manager API reference.
"""

import datetime as dt
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.errors import AutomationError
from automation.rotation.clients import Client
from automation.rotation.decisions import (
    current_client_secret,
    incomplete_version,
    is_complete,
    overlap_end,
    refusal,
)
from automation.rotation.lookups import read_inventory
from automation.rotation.results import Outcome, Rotation, format_time
from automation.sessions import Clients
from automation.waiting import Sleep
from functions.rotation.credentials import RotationError
from functions.rotation.decisions import PENDING, Inventory, Version
from functions.rotation.secret_versions import LABEL_GONE

# Four steps, of which one may wait 150 s for Cognito, and a start within seconds.
_LONGEST_ROTATION: Final = 600.0
_POLL_SECONDS: Final = 2.0
# The clock of the log's events may differ from this machine's.
_CLOCK_SKEW: Final = dt.timedelta(seconds=60)
# Secrets Manager's message, which isn't documented. It repeats a failed rotation by itself.
_BEING_REPEATED: Final = "A previous rotation isn't complete"


class MissingSecretError(AutomationError):
    """A client's secret doesn't exist."""


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, kw_only=True)
class Rotator:
    """Rotates and revokes the client secrets of one stack.

    Attributes:
        stack: the stack's name, for the commands in messages.
        function: the rotation function's name.
        user_pool_id: the user pool of the clients.
        aws: makes AWS clients. A call of the rotation function takes minutes, so Lambda's client
            has to wait that long, and must not retry.
        report: called with a line before each step.
        now: returns the time.
        sleep: waits for some seconds.
        limit: how many seconds a rotation may take.
    """

    stack: str
    function: str
    user_pool_id: str
    aws: Clients
    report: Callable[[str], None]
    now: Callable[[], dt.datetime] = _utc_now
    sleep: Sleep = time.sleep
    limit: float = _LONGEST_ROTATION

    def rotate(self, client: Client) -> Rotation:
        """Replace a client's secret; the replaced one stays valid until the overlap ends.

        An earlier rotation that isn't complete is reported and left as it is.

        Raises:
            MissingSecretError: the secret doesn't exist.
            botocore.exceptions.ClientError: AWS doesn't do what this needs.
        """
        if not client.enabled:
            where = f"clients.{client.name}.enabled"
            return _result(
                client, Outcome.SKIPPED, f"the client is disabled ({where}), and gets no token"
            )
        incomplete = incomplete_version(self.inventory(client))
        if incomplete:
            began = format_time(incomplete.created)
            return _result(
                client,
                Outcome.STUCK,
                f"a rotation that began at {began} isn't complete, and blocks every other one. If"
                " it has only just begun, wait. Otherwise run:"
                f" {self._command('rotate', client)} --unstick",
            )
        try:
            self.retire(client)
        except RotationError as error:
            return self._refused(client, str(error))
        before = self.inventory(client)
        reason = refusal(before, client.overlap)
        if reason is not None:
            return self._refused(client, reason)
        self.report(f"… Rotating the secret of {client.name}")
        if client.rotation_days == 0:
            # Secrets Manager knows no rotation function for this secret.
            return self._rotate_directly(client, before)
        return self._rotate_by_secrets_manager(client, before)

    def unstick(self, client: Client) -> Rotation:
        """Complete a rotation that was left incomplete; if that fails, let the next one start.

        Raises:
            MissingSecretError: the secret doesn't exist.
            botocore.exceptions.ClientError: AWS doesn't do what this needs.
        """
        before = self.inventory(client)
        incomplete = incomplete_version(before)
        if incomplete is None:
            return _result(client, Outcome.SKIPPED, "no rotation is incomplete")
        began = format_time(incomplete.created)
        self.report(f"… Completing the rotation of {client.name} that began at {began}")
        try:
            self.invoke({"rotate": client.secret_arn, "versionId": incomplete.id})
        except RotationError as error:
            if self._abandon(client, incomplete):
                return _result(
                    client,
                    Outcome.ABANDONED,
                    f"the rotation can't be completed: {error}\nIt is abandoned, so the next one"
                    f" can start: {self._command('rotate', client)}",
                )
        if is_complete(before, self.inventory(client)):
            return self._rotated(client, before)
        return _result(client, Outcome.SKIPPED, "the rotation was abandoned by something else")

    def _abandon(self, client: Client, incomplete: Version) -> bool:
        """Remove AWSPENDING from a version; False if something else has done so meanwhile."""
        self.report(f"… Removing {PENDING} from the version {incomplete.id}")
        try:
            self.aws("secretsmanager").update_secret_version_stage(
                SecretId=client.secret_arn, VersionStage=PENDING, RemoveFromVersionId=incomplete.id
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in LABEL_GONE:
                raise
            return False
        return True

    def revoke(self, client: Client) -> Rotation:
        """Replace a client's secret, and delete all its other client secrets at once.

        Raises:
            MissingSecretError: the secret doesn't exist.
            botocore.exceptions.ClientError: AWS doesn't do what this needs.
        """
        before = self.inventory(client)
        self.report(f"… Revoking the client secrets of {client.name}")
        try:
            self.invoke({"revoke": client.secret_arn})
        except RotationError as error:
            return self._failed(client, str(error), "revoke")
        return Rotation(
            client=client.name,
            client_id=client.client_id,
            outcome=Outcome.REVOKED,
            previous=_current_id(before),
            current=_current_id(self.inventory(client)),
            # Tokens were issued until the function had deleted the old client secret.
            tokens_end=self.now() + client.token_validity,
        )

    def _rotate_directly(self, client: Client, before: Inventory) -> Rotation:
        try:
            self.invoke({"rotate": client.secret_arn})
        except RotationError as error:
            return self._failed(client, str(error), "rotate")
        return self._rotated(client, before)

    def _rotate_by_secrets_manager(self, client: Client, before: Inventory) -> Rotation:
        started = self.now()
        version_id = str(uuid.uuid4())
        deadline = started + dt.timedelta(seconds=self.limit)
        try:
            self._start(client, version_id, deadline)
        except ClientError as error:
            return self._failed(client, str(error), "rotate")
        log_group = self._log_group()
        while self.now() < deadline:
            if is_complete(before, self.inventory(client)):
                return self._rotated(client, before)
            reason = self._find_failure(log_group, version_id, started)
            if reason is not None:
                return self._failed(client, reason, "rotate", "--unstick")
            self.sleep(_POLL_SECONDS)
        return _result(
            client,
            Outcome.UNDECIDED,
            f"the rotation isn't complete after {self.limit:.0f} s. The rotation function's log is"
            f" {log_group}. To look again, run: python -m automation check --stack"
            f" {self.stack} --only 'P6-*'",
        )

    def _start(self, client: Client, version_id: str, deadline: dt.datetime) -> None:
        """Start a rotation, once Secrets Manager has stopped repeating an abandoned one.

        Raises:
            botocore.exceptions.ClientError: Secrets Manager refuses it until the deadline, or for
                another reason.
        """
        reported = False
        while True:
            try:
                self.aws("secretsmanager").rotate_secret(
                    SecretId=client.secret_arn, ClientRequestToken=version_id
                )
            except ClientError as error:
                if _BEING_REPEATED not in str(error) or self.now() >= deadline:
                    raise
            else:
                return
            if not reported:
                self.report("… Waiting for Secrets Manager, which repeats an earlier rotation")
                reported = True
            self.sleep(_POLL_SECONDS)

    def retire(self, client: Client) -> None:
        """Delete the replaced client secret if its overlap has ended, as every hour.

        Raises:
            RotationError: the function fails; the message is its own.
        """
        hours = client.overlap / dt.timedelta(hours=1)
        self.invoke({"retire": [{"secret": client.secret_arn, "overlapHours": hours}]})

    def invoke(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call the rotation function, and return its result.

        Raises:
            RotationError: the function fails; the message is its own.
        """
        response = self.aws("lambda").invoke(
            FunctionName=self.function, Payload=json.dumps(event).encode()
        )
        result: Mapping[str, Any] = json.loads(response["Payload"].read())
        if response.get("FunctionError"):
            raise RotationError(result.get("errorMessage") or f"{self.function} failed")
        return result

    def inventory(self, client: Client) -> Inventory:
        """List the versions of a client's secret, and the client secrets.

        Raises:
            MissingSecretError: the secret doesn't exist.
        """
        try:
            return read_inventory(
                secrets_manager=self.aws("secretsmanager"),
                cognito=self.aws("cognito-idp"),
                user_pool_id=self.user_pool_id,
                client_id=client.client_id,
                secret_arn=client.secret_arn,
            )
        except RotationError as error:
            raise MissingSecretError(str(error)) from error

    def _find_failure(self, log_group: str, version_id: str, since: dt.datetime) -> str | None:
        """Return why the rotation function failed on a version; None if it hasn't."""
        response = self.aws("logs").filter_log_events(
            logGroupName=log_group,
            startTime=int((since - _CLOCK_SKEW).timestamp() * 1000),
            filterPattern=f'"{version_id}"',
        )
        reasons = (find_reason(event["message"], version_id) for event in response["events"])
        return next(filter(None, reasons), None)

    def _log_group(self) -> str:
        found = self.aws("lambda").get_function_configuration(FunctionName=self.function)
        return str(found["LoggingConfig"]["LogGroup"])

    def _rotated(self, client: Client, before: Inventory) -> Rotation:
        after = self.inventory(client)
        return Rotation(
            client=client.name,
            client_id=client.client_id,
            outcome=Outcome.ROTATED,
            previous=_current_id(before),
            current=_current_id(after),
            previous_ends=overlap_end(after, client.overlap),
        )

    def _refused(self, client: Client, reason: str) -> Rotation:
        return _result(
            client,
            Outcome.REFUSED,
            f"{reason}\nIf it can't wait, replace all client secrets at once:"
            f" {self._command('revoke', client)}",
        )

    def _failed(self, client: Client, reason: str, *command: str) -> Rotation:
        name, *options = command
        again = " ".join([self._command(name, client), *options])
        return _result(client, Outcome.FAILED, f"{reason}\nWhen the cause is fixed, run: {again}")

    def _command(self, name: str, client: Client) -> str:
        return f"python -m automation {name} --stack {self.stack} --client {client.name}"


def find_reason(line: str, version_id: str) -> str | None:
    """Return why a rotation failed, if a line of the rotation function's log has the reason.

    Args:
        line: the line, which may begin with the level and the time.
        version_id: the version that the rotation has created.
    """
    _, brace, rest = line.partition("{")
    try:
        entry = json.loads(brace + rest)
    except ValueError:
        return None
    if not isinstance(entry, dict) or entry.get("versionId") != version_id:
        return None
    return entry.get("error")


def _result(client: Client, outcome: Outcome, reason: str) -> Rotation:
    return Rotation(client=client.name, client_id=client.client_id, outcome=outcome, reason=reason)


def _current_id(inventory: Inventory) -> str | None:
    found = current_client_secret(inventory)
    return None if found is None else found.id
