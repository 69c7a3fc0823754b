"""ECS's metrics in CloudWatch (developer guide, Amazon ECS CloudWatch metrics). Pure."""

import datetime as dt
from collections.abc import Collection
from typing import Any

NAMESPACE = "AWS/ECS"


def service_metrics(
    cluster: str, service: str, usages: Collection[tuple[float, float]], at: dt.datetime
) -> list[dict[str, Any]]:
    """Return MetricDatum structures of a service's CPU and memory.

    Args:
        cluster, service: the names.
        usages: each task's CPU and memory, in percent of what its definition reserves.
        at: the time of the measurement.
    """
    if not usages:
        return []
    dimensions = [
        {"Name": "ClusterName", "Value": cluster},
        {"Name": "ServiceName", "Value": service},
    ]
    return [
        {
            "MetricName": name,
            "Dimensions": dimensions,
            "Unit": "Percent",
            "Timestamp": at,
            "Values": [usage[number] for usage in usages],
        }
        for number, name in enumerate(("CPUUtilization", "MemoryUtilization"))
    ]
