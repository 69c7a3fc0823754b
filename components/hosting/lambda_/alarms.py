"""The alarms of Lambda. Pure.

Metrics: "Types of metrics for Lambda functions" and "Monitoring Lambda function URLs" in the AWS
Lambda Developer Guide. Lambda reports neither CPU nor memory without Lambda Insights, which costs
more than the function. A failed deployment has no alarm: the new version answers a health check
before callers reach it, and the deployment itself fails otherwise.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

from components.hosting.alarms import (
    error_rate,
    high_latency,
    host_metric,
    instances_at_maximum,
    throttled,
)
from components.hosting.lambda_.settings import LambdaSettings
from components.monitoring.alarm import Alarm, Subject
from components.settings import HostSettings

NAMESPACE: Final = "AWS/Lambda"

_metric = partial(host_metric, NAMESPACE, Subject.SERVICE)


def alarms(settings: HostSettings) -> Iterator[Alarm]:
    """Return the alarms of a function with these settings."""
    if not isinstance(settings, LambdaSettings):
        raise TypeError(f"{type(settings).__name__} aren't Lambda's settings")
    yield error_rate(
        (
            _metric("Url5xxCount", "Sum", "errors", "5xx responses"),
            _metric("UrlRequestCount", "Sum", "requests", "Requests"),
        ),
        "IF(requests > 20, 100 * errors / requests, 0)",
    )
    yield throttled(_metric("Throttles", "Sum"))
    yield high_latency(_metric("Duration", "p90"), threshold=30_000, unit="milliseconds")
    if settings.max_instances > 1:
        yield instances_at_maximum(
            _metric("ConcurrentExecutions", "Maximum"), most=settings.max_instances
        )
