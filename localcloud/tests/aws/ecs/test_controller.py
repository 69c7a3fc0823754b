"""A service's life: tasks, health, deployments and rollbacks."""

import asyncio
from collections.abc import Callable

import pytest

from aws.ecs.service import (
    GROUP,
    EcsUnderTest,
    events,
    live,
    rollout,
    stopped,
    until,
)
from localcloud.aws.ecs.controller import ServiceController
from localcloud.aws.elbv2.targets import TargetState

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def _has_stopped(controller: ServiceController, count: int) -> Callable[[], bool]:
    return lambda: len(stopped(controller)) == count


def _has_counted(controller: ServiceController, count: int) -> Callable[[], bool]:
    """Return whether tasks have stopped and were counted, which comes a moment later."""
    primary = controller.service.primary
    return lambda: len(stopped(controller)) == primary.failed_tasks == count


async def test_a_service_registers_its_tasks_and_completes_its_deployment(
    ecs: EcsUnderTest,
) -> None:
    controller = await ecs.running()
    tasks = live(controller)
    assert ecs.targets.registered == {task.placement.address for task in tasks}
    assert {task.placement.availability_zone for task in tasks} == {"us-east-1a", "us-east-1b"}
    primary = controller.service.primary
    assert primary.rollout_reason == f"ECS deployment {primary.id} completed."
    listed = " ".join(f"(task {task.id})" for task in tasks)
    assert events(controller) == [
        f"has started 2 tasks: {listed}.",
        f"registered 1 targets in (target-group {GROUP})",
        f"registered 1 targets in (target-group {GROUP})",
        f"(deployment {primary.id}) deployment completed.",
        "has reached a steady state.",
    ]


async def test_a_deployment_is_not_complete_before_the_targets_are_healthy(
    ecs: EcsUnderTest,
) -> None:
    ecs.targets.state = TargetState.INITIAL
    controller = await ecs.create()
    await until(lambda: all(task.running for task in live(controller)) and live(controller))
    await asyncio.sleep(0.05)
    assert rollout(controller) == "IN_PROGRESS"
    ecs.targets.state = TargetState.HEALTHY
    await until(lambda: rollout(controller) == "COMPLETED")


async def test_a_task_without_a_load_balancer_is_healthy_after_40_seconds(
    ecs: EcsUnderTest,
) -> None:
    controller = await ecs.create(loadBalancers=[], desiredCount=1)
    await until(lambda: [task.status for task in live(controller)] == ["RUNNING"])
    ecs.clock.advance(seconds=39)
    await asyncio.sleep(0.05)
    assert rollout(controller) == "IN_PROGRESS"
    ecs.clock.advance(seconds=2)
    await until(lambda: rollout(controller) == "COMPLETED")


async def test_the_container_has_the_settings_of_the_definition(ecs: EcsUnderTest) -> None:
    ecs.account.secrets["arn:secret"] = "s3cret"
    definition = await ecs.define(
        user="65532:65532",
        readonlyRootFilesystem=True,
        environment=[{"name": "A", "value": "1"}],
        secrets=[{"name": "B", "valueFrom": "arn:secret"}],
        linuxParameters={"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
    )
    await ecs.running(taskDefinition=definition, desiredCount=1)
    [settings] = ecs.engine.settings
    assert (settings.user, settings.read_only, settings.init) == ("65532:65532", True, True)
    assert settings.environment == {"A": "1", "B": "s3cret"}
    assert "s3cret" not in repr(settings)
    assert (settings.nano_cpus, settings.memory_bytes) == (250_000_000, 512 * 1024 * 1024)
    assert settings.dropped_capabilities == ["ALL"]


async def test_output_goes_to_the_log_stream_of_the_task(ecs: EcsUnderTest) -> None:
    controller = await ecs.running(desiredCount=1)
    [task] = live(controller)
    await until(lambda: ecs.log)
    assert ecs.log == [("/ecs/server", f"mcp/server/{task.id}", "started")]


async def test_a_task_that_ends_is_replaced(ecs: EcsUnderTest) -> None:
    controller = await ecs.running(desiredCount=1)
    [task] = live(controller)
    ecs.engine.containers[0].exit(137)
    await until(lambda: task.status == "STOPPED")
    assert (task.stop_code, task.exit_code) == ("EssentialContainerExited", 137)
    assert task.stopped_reason == "Essential container in task exited"
    await until(lambda: [each.healthy for each in live(controller)] == [True])
    assert task.placement.address not in ecs.targets.registered


async def test_a_deployment_replaces_tasks_once_the_new_ones_are_healthy(
    ecs: EcsUnderTest,
) -> None:
    controller = await ecs.running(desiredCount=1)
    [old] = live(controller)
    ecs.targets.states[old.placement.address] = TargetState.HEALTHY
    ecs.targets.state = TargetState.INITIAL
    await ecs.call("UpdateService", service="server", taskDefinition=await ecs.define())
    await until(lambda: len([task for task in live(controller) if task.running]) == 2)
    await asyncio.sleep(0.05)
    assert old in live(controller)
    ecs.targets.busy = True
    ecs.targets.state = TargetState.HEALTHY
    await until(lambda: old.status == "DEACTIVATING")
    await asyncio.sleep(0.05)
    assert [each.stopped_after for each in ecs.engine.containers] == [None, None]
    assert rollout(controller) == "IN_PROGRESS"
    ecs.targets.draining[old.placement.address].set()
    await until(lambda: rollout(controller) == "COMPLETED")
    assert [each.stopped_after for each in ecs.engine.containers] == [75, None]
    assert old.stop_code == "ServiceSchedulerInitiated"
    assert len(controller.service.deployments) == 1


async def test_an_unhealthy_target_is_replaced(ecs: EcsUnderTest) -> None:
    controller = await ecs.running()
    first, _ = live(controller)
    ecs.targets.states[first.placement.address] = TargetState.UNHEALTHY
    await until(lambda: first.status == "STOPPED")
    assert first.stopped_reason == f"Task failed ELB health checks in (target-group {GROUP})"
    reason = "is unhealthy in (target-group"
    assert any(f"(task {first.id}) (port 8080) {reason}" in each for each in events(controller))
    await until(lambda: [each.healthy for each in live(controller)] == [True, True])


async def test_the_grace_period_ignores_unhealthy_targets(ecs: EcsUnderTest) -> None:
    ecs.targets.state = TargetState.UNHEALTHY
    controller = await ecs.create(desiredCount=1, healthCheckGracePeriodSeconds=30)
    await until(lambda: [task.running for task in live(controller)] == [True])
    [task] = live(controller)
    await asyncio.sleep(0.05)
    assert task.live
    ecs.clock.advance(seconds=31)
    await until(lambda: len(live(controller)) == 2)


async def test_a_failed_deployment_is_rolled_back(ecs: EcsUnderTest) -> None:
    controller = await ecs.running(desiredCount=1, deploymentConfiguration=BREAKER)
    before = controller.service.primary
    [survivor] = live(controller)
    ecs.engine.exits_with = 1
    response = await ecs.call("UpdateService", service="server", taskDefinition=await ecs.define())
    failed = response["service"]["deployments"][0]["id"]
    for _ in range(3):
        await until(lambda: not any(task for task in live(controller) if task is not survivor))
        ecs.clock.advance(seconds=5)
        await asyncio.sleep(0.03)
    await until(lambda: controller.service.primary is before)
    await until(lambda: rollout(controller) == "COMPLETED")
    assert live(controller) == [survivor]
    said = events(controller)
    assert f"(deployment {failed}) deployment failed: tasks failed to start." in said
    assert f"rolling back to deployment {before.id}." in said
    [moved, _] = controller.service_deployments
    assert moved.status == "ROLLBACK_SUCCESSFUL"
    assert len(stopped(controller)) == 3


async def test_unhealthy_targets_fail_a_deployment(ecs: EcsUnderTest) -> None:
    controller = await ecs.running(desiredCount=1, deploymentConfiguration=BREAKER)
    before = controller.service.primary
    [survivor] = live(controller)
    ecs.targets.states[survivor.placement.address] = TargetState.HEALTHY
    ecs.targets.state = TargetState.UNHEALTHY
    await ecs.call("UpdateService", service="server", taskDefinition=await ecs.define())
    await until(lambda: controller.service.primary is before)
    await until(lambda: rollout(controller) == "COMPLETED")
    assert live(controller) == [survivor]


async def test_a_failed_first_deployment_starts_no_more_tasks(ecs: EcsUnderTest) -> None:
    ecs.account.digest = None
    controller = await ecs.create(desiredCount=1, deploymentConfiguration=BREAKER)
    for expected in (1, 2, 3):
        await until(_has_stopped(controller, expected))
        ecs.clock.advance(seconds=60)
    await until(lambda: rollout(controller) == "FAILED")
    ecs.clock.advance(seconds=3600)
    await asyncio.sleep(0.05)
    assert live(controller) == []
    primary = controller.service.primary
    assert primary.rollout_reason == "ECS deployment circuit breaker: tasks failed to start."
    assert primary.failed_tasks == 3
    assert controller.service_deployments[0].status == "STOPPED"


async def test_starts_that_fail_are_repeated_more_and_more_rarely(ecs: EcsUnderTest) -> None:
    ecs.engine.fails = True
    controller = await ecs.create(desiredCount=1)
    for failures, pause in ((1, 1), (2, 2), (3, 4)):
        await until(_has_counted(controller, failures))
        ecs.clock.advance(seconds=pause - 0.5)
        await asyncio.sleep(0.05)
        assert len(controller.service.tasks) == failures
        ecs.clock.advance(seconds=0.6)
    await until(_has_counted(controller, 4))
    [said] = {each for each in events(controller) if "unable to consistently" in each}
    assert said.startswith("is unable to consistently start tasks successfully.")
    assert controller.service.primary.failed_tasks == 4


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"trusted": False}, "ECS was unable to assume the role"),
        ({"denied": ["ecr:BatchGetImage"]}, "ResourceInitializationError: unable to pull"),
        ({"denied": ["logs:PutLogEvents"]}, "ResourceInitializationError: failed to validate"),
        ({"digest": None}, "CannotPullContainerError"),
        ({"has_log_group": False}, "The specified log group does not exist."),
    ],
)
async def test_a_task_that_cannot_start_says_why(
    ecs: EcsUnderTest, broken: dict[str, object], reason: str
) -> None:
    for name, value in broken.items():
        setattr(ecs.account, name, value)
    controller = await ecs.create(desiredCount=1)
    await until(lambda: stopped(controller))
    [task] = stopped(controller)
    assert task.stop_code == "TaskFailedToStart"
    assert reason in (task.stopped_reason or "")


async def test_an_unexpected_error_stops_the_task_and_counts_as_a_failed_start(
    ecs: EcsUnderTest,
) -> None:
    ecs.account.log_error = TimeoutError("the log doesn't answer")
    controller = await ecs.create(desiredCount=1)
    await until(lambda: stopped(controller))
    await asyncio.sleep(0.05)
    [task] = controller.service.tasks
    assert (task.stop_code, task.stopped_reason) == (
        "TaskFailedToStart",
        "See the stand-in's output.",
    )
    assert controller.service.primary.failed_tasks == 1


@pytest.mark.parametrize("error", [LookupError("gone"), TimeoutError("no answer")])
async def test_a_task_that_cannot_be_registered_leaves_no_container(
    ecs: EcsUnderTest, error: Exception
) -> None:
    ecs.targets.error = error
    controller = await ecs.create(desiredCount=1)
    await until(lambda: stopped(controller))
    [container] = ecs.engine.containers
    assert container.exited.done()
    assert stopped(controller)[0].stop_code == "TaskFailedToStart"


async def test_a_task_without_a_way_out_cannot_pull_its_image(ecs: EcsUnderTest) -> None:
    private = {"awsvpcConfiguration": {"subnets": ["subnet-a"], "assignPublicIp": "DISABLED"}}
    controller = await ecs.create(networkConfiguration=private, desiredCount=1)
    await until(lambda: stopped(controller))
    assert "cannot pull registry auth" in (stopped(controller)[0].stopped_reason or "")


async def test_a_task_that_cannot_read_its_secret_says_which(ecs: EcsUnderTest) -> None:
    definition = await ecs.define(secrets=[{"name": "B", "valueFrom": "arn:secret"}])
    controller = await ecs.create(taskDefinition=definition, desiredCount=1)
    await until(lambda: stopped(controller))
    assert "arn:secret" in (stopped(controller)[0].stopped_reason or "")


async def test_a_user_stops_a_task_and_it_is_replaced(ecs: EcsUnderTest) -> None:
    controller = await ecs.running(desiredCount=1)
    [task] = live(controller)
    await ecs.call("StopTask", task=task.arn, reason="because")
    await until(lambda: task.status == "STOPPED")
    assert (task.stop_code, task.stopped_reason) == ("UserInitiated", "because")
    await until(lambda: [each.healthy for each in live(controller)] == [True])
    assert controller.service.primary.failed_tasks == 0


async def test_a_deleted_service_is_inactive_once_its_tasks_have_drained(
    ecs: EcsUnderTest,
) -> None:
    controller = await ecs.running(desiredCount=1)
    ecs.targets.busy = True
    response = await ecs.call("DeleteService", service="server", force=True)
    assert response["service"]["status"] == "DRAINING"
    await until(lambda: ecs.targets.draining)
    await asyncio.sleep(0.05)
    assert controller.service.status == "DRAINING"
    for drained in ecs.targets.draining.values():
        drained.set()
    await until(lambda: controller.service.status == "INACTIVE")


async def test_stopped_tasks_are_forgotten_after_an_hour(ecs: EcsUnderTest) -> None:
    controller = await ecs.running(desiredCount=1)
    ecs.engine.containers[0].exit(0)
    await until(lambda: stopped(controller))
    ecs.clock.advance(hours=1, seconds=1)
    await until(lambda: not stopped(controller))
