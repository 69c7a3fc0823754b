"""Faults of the host: load, killed instances, full resources, a failed deployment."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from typing import Final

from automation.drills.traffic import Traffic
from components.hosting.fargate.settings import FargateSettings
from components.settings import Hosting
from tests.end_to_end.alarms import neighbor
from tests.end_to_end.alarms.calls import read, waiting_calls
from tests.end_to_end.alarms.fault import Fault
from tests.end_to_end.alarms.monitored import CANARY_MINUTES, Monitored
from tests.end_to_end.changed_by_hand import change_environment
from tests.waiting import wait_until

LAMBDA_INSTANCES: Final = 4
"""As many instances as the function may have in these tests."""
_ENOUGH_CALLS: Final = 21
"""One more than those below which the share of errors doesn't count."""
_WAITING: Final = 3
_SLOW_SECONDS: Final = 31
# Twice as many as raise the alarm, in case these are in two minutes.
_EXCESS: Final = 10
# Three instances of App Runner process as many at once here, and two can't.
_LOAD: Final = 14
_MORE: Final = {"instances": "6"}
_LARGER: Final = {"cpu": "512", "memory": "1024"}
_CONTAINERS: Final = frozenset({Hosting.APP_RUNNER, Hosting.FARGATE})


def _killed_instances(monitored: Monitored) -> None:
    """Kill all instances while calls are waiting, and call again once they are replaced.

    There are enough calls before and after, in case these are in different minutes.
    """
    world = monitored.world
    _succeed(monitored, _ENOUGH_CALLS)
    with monitored.stack.instances() as instances, waiting_calls(world, _WAITING):
        for each in instances.running():
            each.kill()
    wait_until(lambda: not read(world).refused, "the instances are replaced")
    _succeed(monitored, _ENOUGH_CALLS)


def _succeed(monitored: Monitored, calls: int) -> None:
    with ThreadPoolExecutor(_WAITING) as callers:
        results = list(callers.map(lambda _: read(monitored.world), range(calls)))
    assert not any(each.refused for each in results)


def _slow_calls(monitored: Monitored) -> None:
    with waiting_calls(monitored.world, _WAITING):
        time.sleep(_SLOW_SECONDS)


def _refused_calls(monitored: Monitored) -> None:
    """Make more calls than the function may process at once."""
    world = monitored.world
    with waiting_calls(world, LAMBDA_INSTANCES):
        assert {read(world).status for _ in range(_EXCESS)} == {HTTPStatus.TOO_MANY_REQUESTS}


@contextmanager
def _tasks_by_hand(monitored: Monitored) -> Iterator[None]:
    """Start as many tasks of Fargate as the service may have."""
    if monitored.hosting is not Hosting.FARGATE:
        yield
        return
    service = monitored.stack.service()
    most = monitored.stack.context.settings.host_as(FargateSettings).max_instances

    def scale(number: int) -> None:
        monitored.aws("ecs").update_service(
            cluster=service.described["clusterArn"], service=service.id, desiredCount=number
        )

    scale(most)
    try:
        yield
    finally:
        scale(1)


def _all_instances(monitored: Monitored) -> None:
    _USES_ALL_INSTANCES[monitored.hosting](monitored)


def _load(monitored: Monitored) -> None:
    """Call until all instances run."""
    alarm, call = monitored.alarm("instances-at-maximum"), lambda: read(monitored.world)
    with Traffic(call, callers=_LOAD, clock=time.monotonic, pause=0.0):
        wait_until(lambda: monitored.value(alarm) == alarm.threshold, "all instances run")


def _concurrent_calls(monitored: Monitored) -> None:
    with waiting_calls(monitored.world, LAMBDA_INSTANCES):
        pass


def _measured(_: Monitored) -> None:
    """Do nothing: what exists is measured in each period."""


_USES_ALL_INSTANCES: Final = {
    Hosting.APP_RUNNER: _load,
    Hosting.FARGATE: _measured,
    Hosting.LAMBDA: _concurrent_calls,
}


def _next_to_instances(
    use: Callable[[str], AbstractContextManager[None]],
) -> Callable[[Monitored], AbstractContextManager[None]]:
    @contextmanager
    def used(monitored: Monitored) -> Iterator[None]:
        with use(monitored.stack.service().image):
            # So that what was measured before is in an earlier period.
            monitored.pass_minutes(CANARY_MINUTES)
            yield

    return used


def _rolled_back(monitored: Monitored) -> None:
    before = monitored.stack.service()
    name, value = "NEO4J_MCP_TRANSPORT_MODE", "nonsense"
    change_environment(monitored.aws, monitored.hosting, before, name, value)


HOST_FAULTS: Final = (
    Fault(alarm="service-errors", evidence=r"P5-read-cypher", in_each_period=_killed_instances),
    Fault(
        alarm="service-throttled",
        evidence=r"^4$",
        values=_MORE,
        in_each_period=_refused_calls,
        hosts={Hosting.LAMBDA},
    ),
    Fault(alarm="high-latency", evidence=r'"milliseconds": \d{1,3}\.', in_each_period=_slow_calls),
    Fault(
        alarm="instances-at-maximum",
        evidence=r"^(3|4)$",
        values=_MORE,
        exists=_tasks_by_hand,
        in_each_period=_all_instances,
    ),
    Fault(
        alarm="high-cpu",
        evidence=r"high-cpu.*^256$",
        values=_LARGER,
        exists=_next_to_instances(neighbor.busy),
        in_each_period=_measured,
        hosts=_CONTAINERS,
    ),
    Fault(
        alarm="high-memory",
        evidence=r"high-memory.*^512$",
        values=_LARGER,
        exists=_next_to_instances(neighbor.full),
        in_each_period=_measured,
        hosts=_CONTAINERS,
    ),
    Fault(
        alarm="deployment-failed",
        evidence="invalid transport mode 'nonsense'",
        in_each_period=_rolled_back,
        hosts=_CONTAINERS,
    ),
)
