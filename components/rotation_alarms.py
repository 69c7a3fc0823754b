"""The alarms of the rotation function. Pure.

Secrets Manager has no metric of rotations, so the function's own are used. Metrics: "Types of
metrics for Lambda functions" in the AWS Lambda Developer Guide.
"""

from typing import Final

from components.monitoring.alarm import (
    Alarm,
    Comparison,
    Metric,
    MissingData,
    Severity,
    Subject,
)

NAMESPACE: Final = "AWS/Lambda"


def _rotation(name: str, identifier: str = "m1") -> tuple[Metric, ...]:
    return (
        Metric(
            namespace=NAMESPACE,
            name=name,
            statistic="Sum",
            subject=Subject.ROTATION,
            id=identifier,
        ),
    )


ROTATION_FAILED: Final = Alarm(
    key="rotation-failed",
    title="A client's secret can't be rotated or retired",
    severity=Severity.TICKET,
    metrics=_rotation("Errors"),
    comparison=Comparison.AT_LEAST,
    threshold=1,
    unit="failed invocations",
    period=3600,
    evaluation_periods=1,
    datapoints_to_alarm=1,
    meaning=(
        "The rotation function failed, or its hourly run found a rotation that has been incomplete"
        " for a day. Its log names the client's secret and the reason."
    ),
    reason=(
        "Every failure leaves a rotation unfinished or a replaced secret valid; callers keep the"
        " current secret, so it can wait for the morning. Secrets Manager repeats a rotation, but"
        " not for ever, so the alarm stays until a stuck one is completed."
    ),
    normal="None.",
)
ROTATION_STUCK: Final = Alarm(
    key="rotation-stuck",
    title="Replaced client secrets are no longer deleted",
    severity=Severity.TICKET,
    metrics=_rotation("Invocations", "invocations"),
    # Without data, an alarm looks at earlier periods: it would be raised after five hours.
    expression="FILL(invocations, 0)",
    comparison=Comparison.BELOW,
    threshold=1,
    unit="invocations",
    period=3600,
    evaluation_periods=3,
    datapoints_to_alarm=3,
    missing_data=MissingData.BREACHING,
    meaning=(
        "Nothing has invoked the rotation function for three hours, although a rule does so every"
        " hour. No replaced client secret ends."
    ),
    reason="Three hours without a run can't be a delay of EventBridge.",
    normal="At least one invocation per hour.",
)
ROTATION_ALARMS: Final = (ROTATION_FAILED, ROTATION_STUCK)
