"""Values of `monitoring` that can't be combined with others, or not in this stack. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from components.conflicts import Conflict, Fix
from components.hosting.definition import HostDefinition
from components.monitoring.alarms import alarm_keys

if TYPE_CHECKING:
    from components.settings import Monitoring

# The server writes its error lines up to this level.
_WITH_ERRORS: Final = ("debug", "info", "notice", "warning", "error")


def monitoring_conflicts(
    values: Mapping[str, Any], hosts: Sequence[HostDefinition]
) -> Iterator[Conflict]:
    """Find thresholds of unknown alarms, and a log in which failed tool calls can't be counted.

    Args:
        values: the valid fields of the stack.
        hosts: the stack's host and, while the stack moves, the next one.
    """
    monitoring: Monitoring | None = values.get("monitoring")
    if monitoring is None:
        return
    known = alarm_keys(hosts)
    for key in monitoring.thresholds:
        if hosts and key not in known:
            yield Conflict(
                path=("monitoring", "thresholds", key),
                message=f"is no alarm of this stack; its alarms are {', '.join(known)}",
                fixes=(Fix.REMOVE,),
            )
    level = values.get("log_level")
    if monitoring.enabled and level is not None and level not in _WITH_ERRORS:
        yield Conflict(
            path=("logLevel",),
            message=(
                f"is {level}, which leaves out the error lines in which monitoring counts failed"
                " tool calls"
            ),
            value="error",
        )
