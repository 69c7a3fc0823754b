"""Faults of the rotation of clients' secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.end_to_end import breakage
from tests.end_to_end.alarms.fault import Fault
from tests.end_to_end.alarms.monitored import Monitored

_RAISES: Final = (
    "    services = Services(",
    "    raise RuntimeError('changed by hand')\n    services = Services(",
)


@contextmanager
def _rotation_function_that_raises(monitored: Monitored) -> Iterator[None]:
    with breakage.rotation_function(monitored.world, "handler.py", *_RAISES):
        yield


@contextmanager
def _disabled_retirement(monitored: Monitored) -> Iterator[None]:
    events, rule = monitored.aws("events"), monitored.world.context.names.retirement_rule
    # An hour with a run that succeeds: without any, rotation-failed looks back at another test's.
    monitored.pass_minutes(60)
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


ROTATION_FAULTS: Final = (
    Fault(
        alarm="rotation-failed",
        evidence="RuntimeError: changed by hand",
        exists=_rotation_function_that_raises,
    ),
    Fault(
        alarm="rotation-stuck",
        evidence='"State": "DISABLED"',
        exists=_disabled_retirement,
    ),
)
