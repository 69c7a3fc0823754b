"""Which tasks are started and stopped."""

import itertools
from typing import cast

import pytest

from localcloud.aws.ecs.models import Network, Placement, Task, TaskDefinition, TaskStatus
from localcloud.aws.ecs.scheduler import (
    Plan,
    TaskLimits,
    failure_threshold,
    pause_before_start,
    plan,
)

_NUMBERS = itertools.count()


def task(deployment: str = "new", state: str = "healthy", zone: str = "a") -> Task:
    number = next(_NUMBERS)
    return Task(
        arn=f"arn/task/{number}",
        cluster_arn="arn/cluster",
        service="s",
        deployment_id=deployment,
        definition=cast("TaskDefinition", None),
        placement=Placement(subnet="s", availability_zone=zone, address=f"10.0.0.{number}"),
        network=Network(subnets=(), security_groups=(), public_ip=False),
        created_at=number,
        status=TaskStatus.PENDING if state == "starting" else TaskStatus.RUNNING,
        healthy=state == "healthy",
        unhealthy=state == "unhealthy",
    )


def planned(
    *tasks: Task, desired: int = 2, minimum: int = 100, maximum: int = 200, launches: bool = True
) -> Plan:
    limits = TaskLimits.of(desired, minimum, maximum)
    return plan(tasks, "new", limits, launches=launches)


def test_missing_tasks_are_started() -> None:
    assert planned(task()).start == 1


def test_nothing_happens_at_the_desired_count() -> None:
    assert planned(task(), task(state="starting")) == Plan(start=0, stop=(), replace=())


def test_a_deployment_starts_all_new_tasks_first() -> None:
    assert planned(task("old"), task("old")) == Plan(start=2, stop=(), replace=())


def test_an_old_task_stops_for_each_new_one_that_is_healthy() -> None:
    old = [task("old"), task("old")]
    new = [task(state="healthy"), task(state="starting")]
    assert planned(*old, *new).stop == (old[0],)


def test_without_room_for_new_tasks_old_ones_stop_first() -> None:
    old = [task("old"), task("old")]
    decided = planned(*old, minimum=50, maximum=100)
    assert (decided.start, decided.stop) == (0, (old[0],))


def test_the_minimum_is_rounded_up_and_the_maximum_down() -> None:
    limits = TaskLimits.of(3, 50, 150)
    assert (limits.lower, limits.upper) == (2, 4)


def test_old_tasks_that_are_not_healthy_stop_at_once() -> None:
    old = task("old", "starting")
    assert planned(old, task("old"), task("old")).stop == (old,)


def test_an_unhealthy_task_is_replaced_before_it_stops() -> None:
    unhealthy = task(state="unhealthy")
    assert planned(task(), unhealthy) == Plan(start=1, stop=(), replace=())
    assert planned(task(), unhealthy, task(state="starting")).replace == ()
    assert planned(task(), unhealthy, task()).replace == (unhealthy,)


def test_an_unhealthy_task_stops_first_if_there_is_no_room_for_another() -> None:
    unhealthy = task(state="unhealthy")
    decided = planned(task(), unhealthy, minimum=50, maximum=100)
    assert (decided.start, decided.replace) == (0, (unhealthy,))


def test_unhealthy_tasks_of_a_deployment_stop_while_the_old_ones_serve() -> None:
    unhealthy = task(state="unhealthy")
    decided = planned(task("old"), task("old"), unhealthy, task(state="starting"))
    assert (decided.stop, decided.replace) == ((), (unhealthy,))


def test_a_failed_deployment_starts_nothing() -> None:
    assert planned(task("old"), task("old"), launches=False) == Plan(start=0, stop=(), replace=())


def test_scaling_in_stops_tasks_of_the_fullest_zone_and_the_newest_of_them() -> None:
    tasks = [task(zone="a"), task(zone="b"), task(zone="a")]
    assert planned(*tasks).stop == (tasks[2],)


def test_scaling_in_stops_tasks_that_do_not_serve_first() -> None:
    tasks = [task(zone="a"), task(state="starting", zone="b"), task(zone="a")]
    assert planned(*tasks).stop == (tasks[1],)


@pytest.mark.parametrize(("desired", "threshold"), [(0, 3), (1, 3), (6, 3), (25, 13), (900, 200)])
def test_the_threshold_of_the_circuit_breaker(desired: int, threshold: int) -> None:
    assert failure_threshold(desired) == threshold


def test_pauses_get_longer_up_to_27_minutes() -> None:
    pauses = [pause_before_start(failed, 1) for failed in (0, 1, 2, 3, 100)]
    assert pauses == [0, 1, 2, 4, 27 * 60]
