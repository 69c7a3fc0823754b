"""Decides which tasks a service starts and stops, and when a deployment has failed. Pure.

Sources: the API reference (DeploymentConfiguration, DeploymentCircuitBreaker) and the developer
guide (how the deployment circuit breaker detects failures, service throttle logic).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from localcloud.aws.ecs.models import Task

_PERCENT = 100
_MIN_THRESHOLD = 3
_MAX_THRESHOLD = 200
_MAX_PAUSE = 27 * 60.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a service does next.

    Attributes:
        start: the number of tasks to start in the primary deployment.
        stop: the tasks to stop because there are too many of them.
        replace: the tasks to stop because they are unhealthy.
    """

    start: int
    stop: tuple[Task, ...]
    replace: tuple[Task, ...]


@dataclass(frozen=True, kw_only=True)
class TaskLimits:
    """How many tasks a service has while it is deployed.

    Attributes:
        desired: the number that it should have.
        lower: the fewest healthy ones.
        upper: the most.
    """

    desired: int
    lower: int
    upper: int

    @classmethod
    def of(cls, desired: int, minimum_healthy_percent: int, maximum_percent: int) -> "TaskLimits":
        """Calculate the limits: the lower one is rounded up, the upper one down."""
        return cls(
            desired=desired,
            lower=math.ceil(desired * minimum_healthy_percent / _PERCENT),
            upper=math.floor(desired * maximum_percent / _PERCENT),
        )


def plan(tasks: Sequence[Task], primary_id: str, limits: TaskLimits, *, launches: bool) -> Plan:
    """Decide what to start and to stop.

    Args:
        tasks: the tasks that should run.
        primary_id: the primary deployment.
        limits: how many there are.
        launches: whether tasks may be started now.
    """
    primary = [task for task in tasks if task.deployment_id == primary_id]
    old = [task for task in tasks if task.deployment_id != primary_id]
    healthy = sum(task.healthy for task in tasks)
    usable = [task for task in primary if not task.unhealthy]
    missing = max(limits.desired - len(usable), 0)
    room = max(limits.upper - len(tasks), 0)
    start = min(missing, room) if launches else 0

    surplus = _first_to_stop(usable)[: max(len(usable) - limits.desired, 0)]
    spare = healthy - sum(task.healthy for task in surplus) - limits.lower
    replaced = [task for task in old if not task.healthy]
    replaced += [task for task in old if task.healthy][: max(spare, 0)]

    # A replacement is started before an unhealthy task is stopped, if there is room for it.
    waits = launches and healthy < limits.desired and (room or not missing)
    unhealthy = () if waits else tuple(task for task in primary if task.unhealthy)
    return Plan(start=start, stop=(*surplus, *replaced), replace=unhealthy)


def _first_to_stop(tasks: Sequence[Task]) -> list[Task]:
    """Sort tasks: first those that don't run yet, then those of the fullest zone, newest first."""
    zones = [task.placement.availability_zone for task in tasks]
    return sorted(
        tasks,
        key=lambda task: (
            task.healthy,
            -zones.count(task.placement.availability_zone),
            -task.created_at,
        ),
    )


def failure_threshold(desired: int) -> int:
    """Return the number of failed tasks in a row with which a deployment fails."""
    return min(max(math.ceil(desired / 2), _MIN_THRESHOLD), _MAX_THRESHOLD)


def pause_before_start(failed_starts: int, first_pause: float) -> float:
    """Return the seconds to wait before the next start.

    Args:
        failed_starts: the number of tasks in a row that never ran.
        first_pause: seconds after the first of them.
    """
    if not failed_starts:
        return 0.0
    return float(min(first_pause * 2 ** min(failed_starts - 1, 20), _MAX_PAUSE))
