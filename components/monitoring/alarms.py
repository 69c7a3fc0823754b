"""The alarms of a stack, from those who define them. Pure."""

from collections.abc import Iterable, Iterator

from components.edge_alarms import EDGE_ERRORS
from components.hosting.definition import HostDefinition
from components.hosting.definitions import DEFINITIONS
from components.identity_alarms import CLAIMS_ALARMS, token_runaway
from components.monitoring.alarm import Alarm
from components.monitoring.call_alarms import failed_tool_calls
from components.monitoring.canary_alarms import canary_failing
from components.rotation_alarms import ROTATION_ALARMS
from components.settings import Monitoring, StackSettings


def stack_alarms(settings: StackSettings, service: str) -> Iterator[Alarm]:
    """Return a stack's alarms with its thresholds, in the order from the caller to the database.

    Args:
        service: `<prefix>-<stack>`.
    """
    thresholds = settings.monitoring.thresholds
    for alarm in _defined(settings, service):
        yield alarm.with_threshold(thresholds.get(alarm.key))


def _defined(settings: StackSettings, service: str) -> Iterator[Alarm]:
    yield canary_failing(settings.monitoring.canary_minutes)
    yield from CLAIMS_ALARMS
    for client in settings.all_clients:
        yield token_runaway(service, client)
    if settings.edge:
        yield EDGE_ERRORS
    yield from DEFINITIONS[settings.hosting].alarms(settings.host)
    yield failed_tool_calls(service)
    yield from ROTATION_ALARMS


def callers_affected_rule(names: Iterable[str]) -> str:
    """Return the rule of the composite alarm: any of these alarms is raised.

    Source: "AlarmRule" of PutCompositeAlarm in the Amazon CloudWatch API Reference.
    """
    return " OR ".join(f'ALARM("{each}")' for each in names)


def host_alarms(host: HostDefinition) -> tuple[Alarm, ...]:
    """Return one alarm of each kind that a stack on a host can have, with the default settings."""
    return (
        canary_failing(Monitoring().canary_minutes),
        *CLAIMS_ALARMS,
        token_runaway("", ""),
        EDGE_ERRORS,
        *host.alarms(host.settings()),
        failed_tool_calls(""),
        *ROTATION_ALARMS,
    )


def alarm_keys(hosts: Iterable[HostDefinition]) -> tuple[str, ...]:
    """Return the keys of all alarms that a stack on some hosts can have."""
    return tuple(dict.fromkeys(alarm.key for each in hosts for alarm in host_alarms(each)))
