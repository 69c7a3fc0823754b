"""The alarm of failed tool calls, which HTTP statuses don't show. Pure.

A failed call is a response with status 200 that has isError. The server writes error lines for it,
and a metric filter counts them.
"""

from typing import Final

from components.monitoring.alarm import Alarm, Comparison, Metric, Severity, Subject, own_namespace

FAILED_TOOL_CALLS_METRIC: Final = "FailedToolCalls"


def failed_tool_calls(service: str) -> Alarm:
    """Return the alarm of a service.

    Args:
        service: `<prefix>-<stack>`.
    """
    return Alarm(
        key="failed-tool-calls",
        title="Tool calls fail",
        severity=Severity.TICKET,
        metrics=(
            Metric(
                namespace=own_namespace(service),
                name=FAILED_TOOL_CALLS_METRIC,
                statistic="Sum",
                subject=Subject.TOOL_CALLS,
            ),
        ),
        comparison=Comparison.ABOVE,
        threshold=10,
        unit="failed calls",
        period=300,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        meaning=(
            "The server reports failed tool calls: the database refuses or can't be reached, or a"
            " caller's queries are wrong."
        ),
        reason=(
            "Agents write wrong queries now and then; more than ten in five minutes, twice, is more"
            " than one agent's attempts."
        ),
        normal="A few per hour, depending on the agents.",
    )
