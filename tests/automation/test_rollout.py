"""What the host runs, compared with what was deployed."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from automation.deployment import Changes, Deployed, Deployment, DeploymentError
from automation.hosting.host import Desired, Operation, Service
from automation.rollout import (
    differences,
    failed_operation,
    require_rollout,
    require_unchanged,
    roll_out,
    wait_for_service,
)

ARN = "arn:aws:apprunner:us-east-1:123456789012:service/server/1"
DESIRED = Desired(id=ARN, runs="sha256:new", environment={"LEVEL": "debug"})
SERVICE = Service(
    id=ARN,
    name="server",
    status="RUNNING",
    is_running=True,
    runs="sha256:new",
    environment={"LEVEL": "debug"},
    log_groups=("/log",),
    changed=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    described={},
)
SUCCEEDED = {"Id": "2", "Type": "UPDATE_SERVICE", "Status": "SUCCEEDED"}
ROLLED_BACK = {"Id": "2", "Type": "UPDATE_SERVICE", "Status": "ROLLBACK_SUCCEEDED"}
ROLLING_BACK = {"Id": "2", "Type": "UPDATE_SERVICE", "Status": "ROLLBACK_IN_PROGRESS"}
BEFORE = {"Id": "1", "Type": "CREATE_SERVICE", "Status": "SUCCEEDED"}


def _service(status: str = "RUNNING", image: str = "new", **environment: str) -> dict[str, Any]:
    return {
        "ServiceName": "server",
        "ServiceId": "1",
        "ServiceUrl": "server.example",
        "Status": status,
        "InstanceConfiguration": {},
        "CreatedAt": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "SourceConfiguration": {
            "ImageRepository": {
                "ImageIdentifier": f"aws/server@sha256:{image}",
                "ImageConfiguration": {
                    "RuntimeEnvironmentVariables": environment or {"LEVEL": "debug"}
                },
            }
        },
    }


def _state(*types: str) -> dict[str, Any]:
    image = {
        "imageIdentifier": "registry/server@sha256:new",
        "imageConfiguration": {"runtimeEnvironmentVariables": {"LEVEL": "debug"}},
    }
    inputs = {"sourceConfiguration": {"imageRepository": image}}
    return {
        "resources": [
            {"urn": f"urn:pulumi:dev::p::{each}::x", "type": each, "id": ARN, "inputs": inputs}
            for each in types
        ]
    }


class _Aws:
    """App Runner and its logs, answering one after the other; the last answer stays."""

    def __init__(self, services: list[Any], operations: list[Mapping[str, str]]) -> None:
        self._services = services
        self._operations = operations

    def __call__(self, service: str) -> "_Aws":
        assert service in {"apprunner", "logs"}
        return self

    def describe_service(self, **_: str) -> dict[str, Any]:
        found = self._services.pop(0) if len(self._services) > 1 else self._services[0]
        if isinstance(found, Exception):
            raise found
        return {"Service": found}

    def list_operations(self, **_: object) -> dict[str, Any]:
        newest = self._operations.pop(0) if len(self._operations) > 1 else self._operations[0]
        return {"OperationSummaryList": [newest] if newest else []}

    def filter_log_events(self, *, logGroupName: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert logGroupName == "/aws/apprunner/server/1/service"
        return {"events": [{"message": f"line {number}\n"} for number in range(7)]}


def _deployment(
    fails: str = "", *types: str, drifted: Mapping[str, str] | None = None
) -> Deployment:
    class Stack:
        stack = "dev"

        def state(self) -> Mapping[str, Any]:
            return _state(*(types or ("aws:apprunner/service:Service",)))

        def up(self, _report: object = None, _on_lock: object = None) -> Deployed:
            if fails:
                raise DeploymentError(fails)
            return Deployed(changes=Changes(counts={}, resources={}), outputs={"a": 1})

        def preview(self, *, refresh: bool) -> Changes:
            assert refresh
            return Changes(counts={}, resources=drifted or {})

    return cast("Deployment", Stack())


def _unexpected(argument: object) -> None:
    pytest.fail(f"called with {argument}")


@pytest.mark.parametrize(
    ("service", "found"),
    [
        (SERVICE, []),
        (
            replace(SERVICE, status="CREATE_FAILED", is_running=False),
            ["the service server is CREATE_FAILED"],
        ),
        (
            replace(SERVICE, runs="sha256:old"),
            ["its image is sha256:old, and should be sha256:new"],
        ),
        (
            replace(SERVICE, environment={"LEVEL": "info", "MORE": "x"}),
            ["its environment differs in LEVEL, MORE"],
        ),
    ],
)
def test_differences_are_reported_without_values(service: Service, found: list[str]) -> None:
    assert differences(DESIRED, service, "image") == found


def test_only_a_failure_of_this_deployment_counts() -> None:
    rolled_back = Operation(
        id="2", kind="UPDATE_SERVICE", status="ROLLBACK_SUCCEEDED", ended=True, succeeded=False
    )
    assert failed_operation([rolled_back], "1") == [
        "its last operation, UPDATE_SERVICE, ended ROLLBACK_SUCCEEDED"
    ]
    assert failed_operation([replace(rolled_back, reason="no disk")], "1") == [
        "its last operation, UPDATE_SERVICE, ended ROLLBACK_SUCCEEDED (no disk)"
    ]
    assert failed_operation([rolled_back], "2") == []
    assert failed_operation([replace(rolled_back, succeeded=True)], "1") == []
    assert failed_operation([], "") == []


def test_a_service_that_runs_the_deployed_image_is_a_success() -> None:
    # The provider waits, but not for an operation that begins without it.
    busy = _service("OPERATION_IN_PROGRESS")
    aws = _Aws([busy, _service(), busy, _service()], [BEFORE, SUCCEEDED])
    deployed = roll_out(_deployment(), aws, sleep=lambda _: None)
    assert deployed.outputs == {"a": 1}


def test_an_operation_is_judged_once_it_has_ended() -> None:
    pauses: list[float] = []
    aws = _Aws([_service()], [BEFORE, ROLLING_BACK, ROLLED_BACK])
    with pytest.raises(DeploymentError, match="UPDATE_SERVICE, ended ROLLBACK_SUCCEEDED"):
        roll_out(_deployment(), aws, sleep=pauses.append)
    assert len(pauses) == 1


def test_the_error_after_a_rollback_has_the_log_and_the_command() -> None:
    aws = _Aws([_service(image="old")], [BEFORE, ROLLED_BACK])
    with pytest.raises(DeploymentError) as raised:
        roll_out(_deployment(), aws)
    assert str(raised.value).splitlines() == [
        (
            "App Runner doesn't run what was deployed: its image is sha256:old, and should be "
            "sha256:new; its last operation, UPDATE_SERVICE, ended ROLLBACK_SUCCEEDED."
        ),
        "The service's log, /aws/apprunner/server/1/service, ends:",
        *(f"  line {number}" for number in range(2, 7)),
        "Fix the cause, then run: python -m automation deploy --stack dev",
    ]


def test_a_service_that_was_changed_by_hand_is_reported_with_the_refresh() -> None:
    aws = _Aws([_service(LEVEL="info")], [BEFORE])
    with pytest.raises(DeploymentError) as raised:
        require_rollout(_deployment(), aws)
    assert "its environment differs in LEVEL" in str(raised.value)
    assert str(raised.value).endswith("what differs, run: pulumi refresh --stack dev")


def test_a_failed_operation_that_has_left_no_difference_is_reported() -> None:
    reported: list[str] = []
    require_unchanged(_deployment(), _Aws([_service()], [ROLLED_BACK]), reported.append)
    assert reported == ["! The service's last operation failed, but it runs what was deployed"]


def test_a_failed_operation_that_has_left_a_difference_is_an_error() -> None:
    """A refresh sees every property of the service, such as its CPU."""
    deployment = _deployment(drifted={"server": "update"})
    with pytest.raises(DeploymentError) as raised:
        require_unchanged(deployment, _Aws([_service()], [ROLLED_BACK]), _unexpected)
    assert "its last operation, UPDATE_SERVICE, ended ROLLBACK_SUCCEEDED" in str(raised.value)
    assert str(raised.value).endswith("what differs, run: pulumi refresh --stack dev")


def test_another_image_counts_although_there_is_nothing_to_deploy() -> None:
    aws = _Aws([_service(image="old")], [SUCCEEDED])
    with pytest.raises(DeploymentError, match="its image is sha256:old"):
        require_unchanged(_deployment(), aws, _unexpected)


def test_nothing_is_reported_of_a_service_that_was_deployed() -> None:
    require_unchanged(_deployment(), _Aws([_service()], [SUCCEEDED]), _unexpected)


def test_the_error_after_a_failed_creation_has_the_command_that_builds_again() -> None:
    aws = _Aws([_service("CREATE_FAILED")], [{}, {**BEFORE, "Status": "FAILED"}])
    with pytest.raises(DeploymentError) as raised:
        roll_out(_deployment("wanted target 'RUNNING'"), aws)
    message = str(raised.value)
    assert message.startswith("wanted target 'RUNNING'\nApp Runner doesn't run")
    assert f"aws apprunner start-deployment --service-arn {ARN}" in message


def test_the_error_on_a_paused_service_has_the_command_that_resumes_it() -> None:
    with pytest.raises(DeploymentError) as raised:
        roll_out(_deployment(), _Aws([_service("PAUSED")], [SUCCEEDED]))
    assert f"aws apprunner resume-service --service-arn {ARN}" in str(raised.value)


@pytest.mark.parametrize("types", [("aws:ecr/repository:Repository",)])
def test_a_stack_without_a_service_has_no_rollout_to_check(types: tuple[str, ...]) -> None:
    assert roll_out(_deployment("", *types), _Aws([], [])).outputs == {"a": 1}


def test_the_wait_for_an_operation_is_limited() -> None:
    pauses: list[float] = []
    busy = _service("OPERATION_IN_PROGRESS")
    aws = _Aws([busy, busy, _service()], [SUCCEEDED])
    assert wait_for_service(_deployment(), aws, pauses.append) == {ARN: "2"}
    assert len(pauses) == 2
    with pytest.raises(DeploymentError, match="in progress for 1200 s"):
        wait_for_service(_deployment(), _Aws([busy], [SUCCEEDED]), pauses.append)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("ResourceNotFoundException", None), ("AccessDeniedException", ClientError)],
)
def test_waiting_for_a_deleted_service_returns(code: str, expected: type[Exception] | None) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeService")
    aws = _Aws([error], [{}])
    if expected is None:
        assert wait_for_service(_deployment(), aws) == {}
    else:
        with pytest.raises(expected):
            wait_for_service(_deployment(), aws)
