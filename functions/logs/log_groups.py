"""A log group that another service creates and writes to, and how it should be configured."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from functions.access import GRANTED_WITHIN, PAUSE, call_when_granted, error_code

# App Runner changed the group at the same moment.
# Source: PutRetentionPolicy in the Amazon CloudWatch Logs API reference.
_CONFLICT: Final = "OperationAbortedException"


class LogGroupError(Exception):
    """An event isn't one that the log function takes."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What a deployment wants of some log groups.

    Attributes:
        log_groups: their names.
        retention_days: days that a log event is kept.
        key_arn: ARN of the KMS key that encrypts them; None for CloudWatch's own encryption.
    """

    log_groups: tuple[str, ...]
    retention_days: int
    key_arn: str | None

    @classmethod
    def parse(cls, event: Mapping[str, Any]) -> "Configuration":
        """Return the configuration in an event.

        Raises:
            LogGroupError: the event has none.
        """
        try:
            return cls(
                log_groups=tuple(event["logGroups"]),
                retention_days=int(event["retentionDays"]),
                key_arn=event["keyArn"] or None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise LogGroupError(
                "the event must have logGroups, a list of names, retentionDays, a number, and"
                " keyArn, an ARN or null"
            ) from error


@dataclass(frozen=True, kw_only=True)
class LogGroups:
    """The account's log groups.

    Attributes:
        client: boto3's client of CloudWatch Logs.
        now: returns the time in seconds.
        sleep: waits, in seconds.
    """

    client: Any
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    started: float = field(init=False)

    def __post_init__(self) -> None:
        """Note when the invocation started."""
        object.__setattr__(self, "started", self.now())

    def configure(self, name: str, wanted: Configuration) -> list[str]:
        """Create a log group if it is missing, and set its retention and encryption.

        Returns:
            The operations that it took; none for a group that is as it should be.
        """
        done: list[str] = []
        found = self._find(name)
        if found is None:
            done += self._create(name)
            found = {}
        if found.get("retentionInDays") != wanted.retention_days:
            self._call(
                self.client.put_retention_policy,
                logGroupName=name,
                retentionInDays=wanted.retention_days,
            )
            done.append("PutRetentionPolicy")
        if found.get("kmsKeyId") != wanted.key_arn:
            if wanted.key_arn:
                self._call(
                    self.client.associate_kms_key, logGroupName=name, kmsKeyId=wanted.key_arn
                )
                done.append("AssociateKmsKey")
            else:
                self._call(self.client.disassociate_kms_key, logGroupName=name)
                done.append("DisassociateKmsKey")
        return done

    def _find(self, name: str) -> dict[str, Any] | None:
        # A name is the first of those that begin with it.
        response = self._call(self.client.describe_log_groups, logGroupNamePrefix=name, limit=1)
        groups: list[dict[str, Any]] = response["logGroups"]
        return next((each for each in groups if each["logGroupName"] == name), None)

    def _create(self, name: str) -> list[str]:
        try:
            self._call(self.client.create_log_group, logGroupName=name)
        except ClientError as error:
            # App Runner creates it with its first event, which may be now.
            if error_code(error) != "ResourceAlreadyExistsException":
                raise
            return []
        return ["CreateLogGroup"]

    def _call(
        self, operation: Callable[..., dict[str, Any]], **parameters: object
    ) -> dict[str, Any]:
        return call_when_granted(
            partial(operation, **parameters),
            is_late=lambda: self.now() - self.started >= GRANTED_WITHIN,
            wait=lambda: self.sleep(PAUSE),
            passing={_CONFLICT},
        )
