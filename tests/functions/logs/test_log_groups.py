"""The log function's decisions, against log groups that behave as CloudWatch Logs documents."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.logs.log_groups import Configuration, LogGroupError, LogGroups

NAME = "/aws/apprunner/neo4j-mcp-dev-server/0123/application"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0a"
WANTED = Configuration(log_groups=(NAME,), retention_days=30, key_arn=None)
ENCRYPTED = Configuration(log_groups=(NAME,), retention_days=30, key_arn=KEY)


def refuse(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


@dataclass
class Logs:
    """CloudWatch Logs.

    Attributes:
        groups: each group's attributes, by its name.
        refusals: codes of the errors of the next calls of an operation.
        before: runs before the next call of an operation.
    """

    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    refusals: dict[str, list[str]] = field(default_factory=dict)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)

    def _called(self, operation: str) -> None:
        if hook := self.before.pop(operation, None):
            hook()
        if codes := self.refusals.get(operation):
            raise refuse(operation, codes.pop(0))

    def describe_log_groups(self, *, logGroupNamePrefix: str, limit: int) -> dict[str, Any]:  # noqa: N803  boto3's name
        self._called("DescribeLogGroups")
        found = [
            {"logGroupName": name, **attributes}
            for name, attributes in sorted(self.groups.items())
            if name.startswith(logGroupNamePrefix)
        ]
        return {"logGroups": found[:limit]}

    def create_log_group(self, *, logGroupName: str) -> dict[str, Any]:  # noqa: N803  boto3's name
        self._called("CreateLogGroup")
        if logGroupName in self.groups:
            raise refuse("CreateLogGroup", "ResourceAlreadyExistsException")
        self.groups[logGroupName] = {}
        return {}

    def put_retention_policy(self, *, logGroupName: str, retentionInDays: int) -> dict[str, Any]:  # noqa: N803  boto3's names
        self._called("PutRetentionPolicy")
        self.groups[logGroupName]["retentionInDays"] = retentionInDays
        return {}

    def associate_kms_key(self, *, logGroupName: str, kmsKeyId: str) -> dict[str, Any]:  # noqa: N803  boto3's names
        self._called("AssociateKmsKey")
        self.groups[logGroupName]["kmsKeyId"] = kmsKeyId
        return {}

    def disassociate_kms_key(self, *, logGroupName: str) -> dict[str, Any]:  # noqa: N803  boto3's name
        self._called("DisassociateKmsKey")
        self.groups[logGroupName].pop("kmsKeyId", None)
        return {}


@dataclass
class Clock:
    """Time that passes only while somebody waits."""

    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def log_groups(logs: Logs, clock: Clock | None = None) -> LogGroups:
    clock = clock or Clock()
    return LogGroups(client=logs, now=clock.now, sleep=clock.sleep)


def test_a_missing_group_is_created_with_its_retention() -> None:
    logs = Logs()

    assert log_groups(logs).configure(NAME, WANTED) == ["CreateLogGroup", "PutRetentionPolicy"]
    assert logs.groups == {NAME: {"retentionInDays": 30}}


def test_a_missing_group_is_created_with_its_key() -> None:
    logs = Logs()

    done = log_groups(logs).configure(NAME, ENCRYPTED)

    assert done == ["CreateLogGroup", "PutRetentionPolicy", "AssociateKmsKey"]
    assert logs.groups == {NAME: {"retentionInDays": 30, "kmsKeyId": KEY}}


@pytest.mark.parametrize(
    ("found", "wanted", "operations"),
    [
        ({}, WANTED, ["PutRetentionPolicy"]),
        ({"retentionInDays": 7}, WANTED, ["PutRetentionPolicy"]),
        ({"retentionInDays": 30}, WANTED, []),
        ({"retentionInDays": 30}, ENCRYPTED, ["AssociateKmsKey"]),
        ({"retentionInDays": 30, "kmsKeyId": f"{KEY}9"}, ENCRYPTED, ["AssociateKmsKey"]),
        ({"retentionInDays": 30, "kmsKeyId": KEY}, ENCRYPTED, []),
        ({"retentionInDays": 30, "kmsKeyId": KEY}, WANTED, ["DisassociateKmsKey"]),
    ],
)
def test_an_existing_group_is_changed_only_where_it_differs(
    found: dict[str, Any], wanted: Configuration, operations: list[str]
) -> None:
    logs = Logs(groups={NAME: found})

    assert log_groups(logs).configure(NAME, wanted) == operations
    key = {"kmsKeyId": wanted.key_arn} if wanted.key_arn else {}
    assert logs.groups == {NAME: {"retentionInDays": 30, **key}}


def test_a_group_with_a_longer_name_is_another_group() -> None:
    logs = Logs(groups={f"{NAME}-2": {"retentionInDays": 30}})

    assert "CreateLogGroup" in log_groups(logs).configure(NAME, WANTED)
    assert NAME in logs.groups


def test_a_group_that_app_runner_creates_at_the_same_time_is_configured() -> None:
    logs = Logs()
    logs.before["CreateLogGroup"] = lambda: logs.groups.update({NAME: {}})

    assert log_groups(logs).configure(NAME, WANTED) == ["PutRetentionPolicy"]
    assert logs.groups == {NAME: {"retentionInDays": 30}}


@pytest.mark.parametrize("code", ["AccessDeniedException", "OperationAbortedException"])
def test_what_passes_by_itself_is_retried(code: str) -> None:
    logs = Logs(refusals={"DescribeLogGroups": [code] * 3, "PutRetentionPolicy": [code]})
    clock = Clock()

    log_groups(logs, clock).configure(NAME, WANTED)

    assert logs.groups == {NAME: {"retentionInDays": 30}}
    assert clock.seconds > 0


def test_what_stays_refused_is_reported_in_time() -> None:
    logs = Logs(refusals={"PutRetentionPolicy": ["AccessDeniedException"] * 1000})
    clock = Clock()

    with pytest.raises(ClientError, match="AccessDenied"):
        log_groups(logs, clock).configure(NAME, WANTED)

    # The function may run for two minutes.
    assert 60 <= clock.seconds < 120


def test_any_other_error_is_reported_at_once() -> None:
    logs = Logs(refusals={"AssociateKmsKey": ["InvalidParameterException"]})
    clock = Clock()

    with pytest.raises(ClientError, match="InvalidParameter"):
        log_groups(logs, clock).configure(NAME, ENCRYPTED)
    assert not clock.seconds


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"logGroups": [NAME], "retentionDays": 30},
        {"logGroups": [NAME], "retentionDays": "a month", "keyArn": None},
        {"logGroups": 1, "retentionDays": 30, "keyArn": None},
    ],
)
def test_another_event_is_refused_with_what_is_wrong(event: dict[str, Any]) -> None:
    with pytest.raises(LogGroupError, match="logGroups, a list of names, retentionDays"):
        Configuration.parse(event)


def test_an_event_is_read() -> None:
    event = {"logGroups": [NAME], "retentionDays": 30, "keyArn": KEY}

    assert Configuration.parse(event) == ENCRYPTED
