"""App Runner's metrics in CloudWatch (developer guide, Viewing App Runner service metrics)."""

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

from localcloud.aws.apprunner.traffic import TrafficSample

NAMESPACE = "AWS/AppRunner"
_STATUS_CLASSES = (2, 4, 5)
_VALUES_IN_DATUM = 150
"""PutMetricData takes so many distinct values in one datum."""
_PERCENT = 100.0


def service_dimensions(name: str, service_id: str) -> list[dict[str, str]]:
    """Write the dimensions of a service's metrics.

    Args:
        name: the service's name.
        service_id: its id.

    Returns:
        The dimensions.
    """
    return [{"Name": "ServiceName", "Value": name}, {"Name": "ServiceID", "Value": service_id}]


def traffic_data(
    sample: TrafficSample, active_instances: int, at: dt.datetime
) -> Iterator[dict[str, Any]]:
    """Write what the front counted.

    Args:
        sample: the counts.
        active_instances: instances that processed requests.
        at: the end of the period.

    Yields:
        MetricDatum structures without dimensions.
    """
    yield _datum("Requests", "Count", sample.requests, at)
    for status_class in _STATUS_CLASSES:
        count = sample.statuses.get(status_class, 0)
        yield _datum(f"{status_class}xxStatusResponses", "Count", count, at)
    yield _datum("Concurrency", "Count", sample.peak, at)
    yield _datum("ActiveInstances", "Count", active_instances, at)
    latencies = iter(sorted(sample.latencies.items()))
    while part := list(itertools.islice(latencies, _VALUES_IN_DATUM)):
        yield {
            "MetricName": "RequestLatency",
            "Unit": "Milliseconds",
            "Timestamp": at,
            "Values": [float(value) for value, _ in part],
            "Counts": [float(count) for _, count in part],
        }


def usage_data(cpu_percent: float, memory_percent: float, at: dt.datetime) -> list[dict[str, Any]]:
    """Write what instances use.

    Args:
        cpu_percent: processors, of what is configured.
        memory_percent: memory, of what is configured.
        at: the end of the period.

    Returns:
        MetricDatum structures without dimensions.
    """
    return [
        _datum("CPUUtilization", "Percent", cpu_percent, at),
        _datum("MemoryUtilization", "Percent", memory_percent, at),
    ]


def utilization(
    used: float, seconds: float, nano_cpus: int, memory: int, memory_limit: int
) -> tuple[float, float]:
    """Turn an instance's use into percentages of its configuration.

    Args:
        used: processor time of the period in nanoseconds.
        seconds: the period.
        nano_cpus: the processors configured, in billionths.
        memory: memory in use in bytes.
        memory_limit: the memory configured in bytes.

    Returns:
        Percent of the processors and of the memory.
    """
    return (
        _PERCENT * used / (seconds * nano_cpus),
        _PERCENT * memory / memory_limit,
    )


def _datum(name: str, unit: str, value: float, at: dt.datetime) -> dict[str, Any]:
    return {"MetricName": name, "Unit": unit, "Timestamp": at, "Value": float(value)}
