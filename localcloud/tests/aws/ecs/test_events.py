"""The events of a service's deployments and tasks."""

import json
from collections.abc import Callable

import pytest

from aws.ecs.service import EcsUnderTest, live, rollout, stopped, until
from localcloud.aws.ecs.controller import ServiceController

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def _deployments(ecs: EcsUnderTest) -> list[tuple[str, str]]:
    """Return the names of the deployments' events, and the deployments, oldest first."""
    found = [each for each in ecs.sent if each.detail_type == "ECS Deployment State Change"]
    return [(each.detail["eventName"], each.detail["deploymentId"]) for each in found]


def _have_stopped(controller: ServiceController, count: int) -> Callable[[], bool]:
    return lambda: len(stopped(controller)) == count


async def test_a_deployment_that_is_rolled_back_is_reported_as_failed(ecs: EcsUnderTest) -> None:
    controller = await ecs.running(desiredCount=1, deploymentConfiguration=BREAKER)
    first = controller.service.primary.id
    ecs.account.digest = None
    response = await ecs.call("UpdateService", service="server", taskDefinition=await ecs.define())
    failed = response["service"]["deployments"][0]["id"]
    for expected in (1, 2, 3):
        await until(_have_stopped(controller, expected))
        ecs.clock.advance(seconds=60)
    await until(lambda: controller.service.primary.id == first)
    await until(lambda: rollout(controller) == "COMPLETED")
    assert _deployments(ecs) == [
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", first),
        ("SERVICE_DEPLOYMENT_COMPLETED", first),
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", failed),
        ("SERVICE_DEPLOYMENT_FAILED", failed),
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", first),
        ("SERVICE_DEPLOYMENT_COMPLETED", first),
    ]
    [event] = [
        each for each in ecs.sent if each.detail.get("eventName") == "SERVICE_DEPLOYMENT_FAILED"
    ]
    assert (event.source, event.resources) == ("aws.ecs", (controller.service.arn,))
    assert event.detail["eventType"] == "ERROR"
    assert event.detail["reason"].startswith("ECS deployment circuit breaker: ")
    assert event.detail["updatedAt"].endswith("Z")


@pytest.mark.parametrize("ends", ["by-itself", "stopped"])
async def test_every_state_of_a_task_is_reported(ecs: EcsUnderTest, ends: str) -> None:
    controller = await ecs.running(desiredCount=1)
    [task] = live(controller)
    if ends == "by-itself":
        ecs.engine.containers[0].exit(3)
    else:
        await ecs.call("StopTask", task=task.arn)
    await until(lambda: task.status == "STOPPED")
    own = [each for each in ecs.sent if each.resources == (task.arn,)]
    assert {each.detail_type for each in own} == {"ECS Task State Change"}
    states = [each.detail["lastStatus"] for each in own]
    seen = list(dict.fromkeys(states))
    assert seen == [
        "PENDING",
        "ACTIVATING",
        "RUNNING",
        "DEACTIVATING",
        "STOPPING",
        "DEPROVISIONING",
        "STOPPED",
    ]
    versions = [each.detail["version"] for each in own]
    assert versions == sorted(set(versions))
    last = json.loads(json.dumps(own[-1].detail))
    assert last["group"] == "service:server"
    assert last["containers"][0]["exitCode"] == (3 if ends == "by-itself" else 0)
    assert last["stoppedAt"].endswith("Z")
