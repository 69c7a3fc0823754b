"""What ECS says about a service and its stopped tasks."""

import datetime as dt
from typing import Any

import pytest

from automation.hosting.fargate import FARGATE_OPERATIONS
from automation.hosting.host import Event, Service

NOON = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
CLUSTER = "neo4j-mcp-dev-server"
SERVICE = Service(
    id=f"arn:aws:ecs:us-east-1:123456789012:service/{CLUSTER}/{CLUSTER}",
    name=CLUSTER,
    status="ACTIVE",
    is_running=True,
    runs="sha256:1",
    environment={},
    log_groups=("tasks",),
    changed=NOON,
    described={"events": [{"createdAt": NOON, "message": "(service x) rolling back"}]},
)


class _Ecs:
    """ECS with stopped tasks."""

    def __init__(self, *tasks: dict[str, Any]) -> None:
        self._tasks = tasks

    def __call__(self, service: str, operation: str, /, **_: object) -> dict[str, Any]:
        assert service == "ecs"
        if operation == "list_tasks":
            return {"taskArns": [each["taskArn"] for each in self._tasks]}
        assert operation == "describe_tasks"
        return {"tasks": list(self._tasks)}


def _task(**fields: object) -> dict[str, Any]:
    return {"taskArn": "arn:task/one/abc", "containers": [{"reason": "OutOfMemoryError"}], **fields}


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([], []),
        (
            [_task(stoppedAt=NOON, stoppedReason="Essential container exited")],
            ["(task abc) Essential container exited; OutOfMemoryError"],
        ),
        ([_task(stoppedAt=NOON)], ["(task abc) OutOfMemoryError"]),
        # It is about to stop.
        ([_task(stoppedReason="Scaling activity")], []),
    ],
)
def test_events_are_those_of_the_service_and_of_stopped_tasks(
    tasks: list[dict[str, Any]], expected: list[str]
) -> None:
    found = list(FARGATE_OPERATIONS.events(_Ecs(*tasks), SERVICE))

    messages = ["(service x) rolling back", *expected]
    assert found == [Event(at=NOON, message=each) for each in messages]
