"""The alarm of the canary, which calls the server as a caller does. Pure."""

from typing import Final

from components.monitoring.alarm import (
    NAMESPACE,
    Alarm,
    Comparison,
    Metric,
    MissingData,
    Severity,
    Subject,
)

CANARY_DIMENSION: Final = "Service"
"""The dimension of the canary's metrics; its value is the stack's prefix and name."""
CANARY_SUCCESS: Final = "CanarySuccess"
"""1 for each run in which every hop answered, and 0 for any other."""
CANARY_LATENCY: Final = "CanaryLatency"
"""Milliseconds of a run's tool call."""


def canary_failing(minutes: int) -> Alarm:
    """Return the alarm of a canary that runs in this interval."""
    return Alarm(
        key="canary-failing",
        title="A caller's whole path fails",
        severity=Severity.PAGE,
        metrics=(
            Metric(
                namespace=NAMESPACE,
                name=CANARY_SUCCESS,
                statistic="Minimum",
                subject=Subject.CANARY,
            ),
        ),
        comparison=Comparison.BELOW,
        threshold=1,
        unit="(1 is a success)",
        period=minutes * 60,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        missing_data=MissingData.BREACHING,
        affects_callers=True,
        meaning=(
            "The canary can't get a token, reach the server or read from the database, or it"
            " doesn't run. Its log names the hop."
        ),
        reason="Two failures of three runs are no coincidence, and one can be a restart.",
        normal="Every run succeeds.",
    )
