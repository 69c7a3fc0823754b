"""App Runner's metrics in CloudWatch (developer guide, Viewing App Runner service metrics). Pure.

All functions return MetricDatum structures without dimensions.
"""

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

from localcloud.aws.apprunner.request_counter import RequestCounts

NAMESPACE = "AWS/AppRunner"
_STATUS_CLASSES = (2, 4, 5)
_MAX_VALUES = 150
"""The number of distinct values that PutMetricData accepts in one datum."""


def service_dimensions(name: str, service_id: str) -> list[dict[str, str]]:
    """Return the dimensions of a service's metrics."""
    return [{"Name": "ServiceName", "Value": name}, {"Name": "ServiceID", "Value": service_id}]


def request_metrics(
    counts: RequestCounts, active_instances: int, at: dt.datetime
) -> Iterator[dict[str, Any]]:
    """Yield the metrics of the requests of a period.

    Args:
        counts: the counts of the period.
        active_instances: instances that processed requests in it.
        at: its end.
    """
    yield _datum("Requests", "Count", counts.requests, at)
    for status_class in _STATUS_CLASSES:
        count = counts.statuses.get(status_class, 0)
        yield _datum(f"{status_class}xxStatusResponses", "Count", count, at)
    yield _datum("Concurrency", "Count", counts.peak, at)
    yield _datum("ActiveInstances", "Count", active_instances, at)
    latencies = iter(sorted(counts.latencies.items()))
    while part := list(itertools.islice(latencies, _MAX_VALUES)):
        yield {
            "MetricName": "RequestLatency",
            "Unit": "Milliseconds",
            "Timestamp": at,
            "Values": [float(value) for value, _ in part],
            "Counts": [float(count) for _, count in part],
        }


def usage_metrics(
    cpu_percent: float, memory_percent: float, at: dt.datetime
) -> list[dict[str, Any]]:
    """Return the metrics of CPU and memory, in percent of what is configured."""
    return [
        _datum("CPUUtilization", "Percent", cpu_percent, at),
        _datum("MemoryUtilization", "Percent", memory_percent, at),
    ]


def _datum(name: str, unit: str, value: float, at: dt.datetime) -> dict[str, Any]:
    return {"MetricName": name, "Unit": unit, "Timestamp": at, "Value": float(value)}
