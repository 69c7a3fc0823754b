"""The alarm of the edge. Pure.

Metrics: "Types of metrics for CloudFront" in the Amazon CloudFront Developer Guide. They exist in
us-east-1 only, and so do their alarms.
"""

from typing import Final

from components.monitoring.alarm import Alarm, Comparison, Metric, Severity, Subject

NAMESPACE: Final = "AWS/CloudFront"
REGION: Final = "us-east-1"
"""The region of the metrics, of their alarm and of the topic that it notifies."""

EDGE_ERRORS: Final = Alarm(
    key="edge-errors",
    title="The edge answers with server errors",
    severity=Severity.PAGE,
    metrics=(
        Metric(
            namespace=NAMESPACE,
            name="5xxErrorRate",
            statistic="Average",
            subject=Subject.EDGE,
            id="rate",
            label="5xx rate (percent)",
        ),
        Metric(
            namespace=NAMESPACE,
            name="Requests",
            statistic="Sum",
            subject=Subject.EDGE,
            id="requests",
            label="Requests",
        ),
    ),
    expression="IF(requests > 20, rate, 0)",
    comparison=Comparison.AT_LEAST,
    threshold=5,
    unit="percent of the requests",
    period=300,
    evaluation_periods=3,
    datapoints_to_alarm=2,
    meaning="CloudFront answers with 5xx: the host fails, or CloudFront can't reach it.",
    reason="One request in twenty is more than a rolling deployment causes. 20 requests or fewer"
    " don't count.",
    normal="None.",
)
