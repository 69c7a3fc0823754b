"""Faults of the edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.end_to_end import breakage
from tests.end_to_end.alarms.calls import read
from tests.end_to_end.alarms.fault import Fault
from tests.end_to_end.alarms.monitored import Monitored
from tests.ports import free_ports

_CALLS: Final = 42
"""Twice as many as raise the alarm, in case these are in two minutes."""


@contextmanager
def _wrong_origin(monitored: Monitored) -> Iterator[None]:
    """Let the edge connect to a port at which nothing answers."""
    (port,) = free_ports(1)
    with breakage.edge_origin(monitored.world, port):
        yield


def _calls_at_the_edge(monitored: Monitored) -> None:
    world = monitored.world
    url = world.outputs["edgeUrl"]
    assert all(read(world, url=url).refused for _ in range(_CALLS))


EDGE_FAULTS: Final = (
    Fault(
        alarm="edge-errors",
        evidence="P3-edge-configuration",
        exists=_wrong_origin,
        in_each_period=_calls_at_the_edge,
    ),
)
