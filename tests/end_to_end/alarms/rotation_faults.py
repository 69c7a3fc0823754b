"""Faults of the rotation of clients' secrets."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from tests.end_to_end import breakage
from tests.end_to_end.alarms.fault import Fault
from tests.end_to_end.alarms.monitored import Monitored


@contextmanager
def _rotation_without_rights(monitored: Monitored) -> Iterator[None]:
    iam, role = monitored.aws("iam"), monitored.world.context.names.rotation_function
    with ExitStack() as policies:
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            policies.enter_context(breakage.role_policy(monitored.world, role, name, None))
        yield


@contextmanager
def _disabled_retirement(monitored: Monitored) -> Iterator[None]:
    events, rule = monitored.aws("events"), monitored.world.context.names.retirement_rule
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


ROTATION_FAULTS: Final = (
    Fault(
        alarm="rotation-failed",
        evidence="AccessDenied",
        exists=_rotation_without_rights,
    ),
    Fault(
        alarm="rotation-stuck",
        evidence='"State": "DISABLED"',
        exists=_disabled_retirement,
    ),
)
