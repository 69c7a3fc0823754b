"""The canary's metrics. Pure."""

from typing import Any, Final

from functions.canary.probe import Outcome

NAMESPACE: Final = "Neo4jMcp"
SUCCESS: Final = "CanarySuccess"
LATENCY: Final = "CanaryLatency"
SERVICE: Final = "Service"
"""The dimension with the stack's prefix and name."""


def metric_data(outcome: Outcome, service: str) -> list[dict[str, Any]]:
    """Return what an outcome adds to the metrics.

    The time until a failure isn't a latency: a refused connection would look fast.

    Args:
        service: the value of the dimension.
    """
    dimensions = [{"Name": SERVICE, "Value": service}]
    data: list[dict[str, Any]] = [
        {
            "MetricName": SUCCESS,
            "Dimensions": dimensions,
            "Value": 1.0 if outcome.succeeded else 0.0,
            "Unit": "Count",
        }
    ]
    if outcome.milliseconds is not None:
        data.append(
            {
                "MetricName": LATENCY,
                "Dimensions": dimensions,
                "Value": outcome.milliseconds,
                "Unit": "Milliseconds",
            }
        )
    return data
