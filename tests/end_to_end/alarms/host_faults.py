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
_ENOUGH_CALLS: Final = 25
"""More than those below which the share of errors doesn't count."""
_WAITING: Final = 3
_SLOW_SECONDS: Final = 31
_EXCESS: Final = 6
# Three instances of App Runner process as many at once here, and two can't.
_LOAD: Final = 14
_MORE: Final = {"instances": "6"}
_LARGER: Final = {"cpu": "512", "memory": "1024"}
_CONTAINERS: Final = frozenset({Hosting.APP_RUNNER, Hosting.FARGATE})


def _killed_instances(monitored: Monitored) -> None:
    """Kill all instances while calls are waiting, and call again once they are replaced."""
    world = monitored.world
    with monitored.stack.instances() as instances, waiting_calls(world, _WAITING):
        for each in instances.running():
            each.kill()
    wait_until(lambda: not read(world).refused, "the instances are replaced")
    with ThreadPoolExecutor(_WAITING) as callers:
        results = list(callers.map(lambda _: read(world), range(_ENOUGH_CALLS)))
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
def _all_instances(monitored: Monitored) -> Iterator[None]:
    with _USES_ALL_INSTANCES[monitored.hosting](monitored):
        yield


@contextmanager
def _load(monitored: Monitored) -> Iterator[None]:
    call, clock = lambda: read(monitored.world), time.monotonic
    with Traffic(call, callers=_LOAD, clock=clock, pause=0.0):
        yield


@contextmanager
def _tasks(monitored: Monitored) -> Iterator[None]:
    """Start as many tasks by hand as the service may have."""
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


@contextmanager
def _nothing_yet(_: Monitored) -> Iterator[None]:
    yield


def _concurrent_calls(monitored: Monitored) -> None:
    if monitored.hosting is Hosting.LAMBDA:
        with waiting_calls(monitored.world, LAMBDA_INSTANCES):
            pass


_USES_ALL_INSTANCES: Final = {
    Hosting.APP_RUNNER: _load,
    Hosting.FARGATE: _tasks,
    Hosting.LAMBDA: _nothing_yet,
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


def _measured(_: Monitored) -> None:
    """Do nothing: what exists is measured in each period."""


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
        exists=_all_instances,
        in_each_period=_concurrent_calls,
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
