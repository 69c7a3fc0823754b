"""Faults of the edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.end_to_end import breakage
from tests.end_to_end.alarms.calls import read
from tests.end_to_end.alarms.fault import Fault
from tests.end_to_end.alarms.monitored import Monitored

_CALLS: Final = 25
"""More than those below which the share of errors doesn't count."""
# Nothing answers at the port of the discard service.
_NOWHERE: Final = "localhost"


@contextmanager
def _wrong_origin(monitored: Monitored) -> Iterator[None]:
    with breakage.edge_origin(monitored.world, _NOWHERE):
        yield


def _calls_at_the_edge(monitored: Monitored) -> None:
    world = monitored.world
    url = world.outputs["edgeUrl"]
    assert all(read(world, url=url).refused for _ in range(_CALLS))


EDGE_FAULTS: Final = (
    Fault(
        alarm="edge-errors",
        evidence="",
        exists=_wrong_origin,
        in_each_period=_calls_at_the_edge,
    ),
)
