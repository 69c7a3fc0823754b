"""The alarms of App Runner. Pure.

Metrics: "Viewing App Runner service metrics reported to CloudWatch" in the AWS App Runner Developer
Guide. All have the dimensions ServiceName and ServiceID. App Runner counts the 429s of a saturated
service among the 4xx responses, where callers' own mistakes are, so they have no alarm; a service
at its maximum of instances does. The guide names no statistics. Datadog's integration reads
percentiles of RequestLatency: https://docs.datadoghq.com/integrations/amazon-app-runner/
"""

import json
from collections.abc import Iterator
from functools import partial
from typing import Final

from components.hosting.alarms import (
    cpu,
    deployment_failed,
    error_rate,
    high_latency,
    host_metric,
    instances_at_maximum,
    memory,
)
from components.hosting.apprunner.settings import AppRunnerSettings
from components.monitoring.alarm import Alarm, Subject
from components.settings import HostSettings

NAMESPACE: Final = "AWS/AppRunner"
FAILED_OPERATIONS: Final = ("CreateServiceFailed", "DeploymentFailed", "UpdateServiceFailed")
"""Source: "Handling App Runner events in EventBridge" in the AWS App Runner Developer Guide."""

_metric = partial(host_metric, NAMESPACE, Subject.SERVICE)


def alarms(settings: HostSettings) -> Iterator[Alarm]:
    """Return the alarms of a service with these settings."""
    if not isinstance(settings, AppRunnerSettings):
        raise TypeError(f"{type(settings).__name__} aren't App Runner's settings")
    yield error_rate(
        (
            _metric("5xxStatusResponses", "Sum", "errors", "5xx responses"),
            _metric("Requests", "Sum", "requests", "Requests"),
        ),
        "IF(requests > 20, 100 * errors / requests, 0)",
    )
    yield high_latency(_metric("RequestLatency", "p90"), threshold=30_000, unit="milliseconds")
    if settings.max_instances > 1:
        yield instances_at_maximum(
            _metric("ActiveInstances", "Maximum"), most=settings.max_instances
        )
    yield cpu(_metric("CPUUtilization", "Average"))
    yield memory(_metric("MemoryUtilization", "Average"))
    yield deployment_failed("App Runner keeps or restores the last version that worked.")


def failed_deployments(service_arn: str) -> str:
    """Return the pattern of the events of a service's failed deployments, as JSON."""
    return json.dumps(
        {
            "source": ["aws.apprunner"],
            "detail-type": ["AppRunner Service Operation Status Change"],
            "resources": [service_arn],
            "detail": {"operationStatus": list(FAILED_OPERATIONS)},
        }
    )
