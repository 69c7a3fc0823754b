"""The alarms of Fargate. Pure.

Metrics: "CloudWatch metrics for your Application Load Balancer" in the User Guide for Application
Load Balancers, and "Amazon ECS service utilization metrics" in the Amazon ECS Developer Guide. A
load balancer reports most counts only when they aren't zero. ECS counts tasks only with Container
Insights, which costs more than the service, so the load balancer's healthy targets are counted.
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
from components.hosting.fargate.settings import FargateSettings
from components.monitoring.alarm import Alarm, Metric, Subject
from components.settings import HostSettings

BALANCER_NAMESPACE: Final = "AWS/ApplicationELB"
SERVICE_NAMESPACE: Final = "AWS/ECS"
FAILED_DEPLOYMENT: Final = "SERVICE_DEPLOYMENT_FAILED"
"""Source: "Amazon ECS service deployment state change events" in the Amazon ECS Developer Guide."""

_balancer = partial(host_metric, BALANCER_NAMESPACE, Subject.LOAD_BALANCER)
_service = partial(host_metric, SERVICE_NAMESPACE, Subject.SERVICE)


def alarms(settings: HostSettings) -> Iterator[Alarm]:
    """Return the alarms of a service with these settings."""
    if not isinstance(settings, FargateSettings):
        raise TypeError(f"{type(settings).__name__} aren't Fargate's settings")
    yield error_rate(
        (
            _balancer("HTTPCode_Target_5XX_Count", "Sum", "errors", "5xx of the server"),
            # What the load balancer answers itself is not in RequestCount.
            _balancer("HTTPCode_ELB_5XX_Count", "Sum", "unanswered", "5xx of the load balancer"),
            _balancer("RequestCount", "Sum", "requests", "Requests"),
        ),
        # Operators take missing data for 0. Source: "Using math expressions with CloudWatch
        # metrics" in the Amazon CloudWatch User Guide.
        "IF(requests + unanswered > 20, 100 * (errors + unanswered) / (requests + unanswered), 0)",
    )
    yield high_latency(_balancer("TargetResponseTime", "p90"), threshold=30, unit="seconds")
    if settings.max_instances > 1:
        healthy = Metric(
            namespace=BALANCER_NAMESPACE,
            name="HealthyHostCount",
            statistic="Maximum",
            subject=Subject.TARGETS,
        )
        yield instances_at_maximum(healthy, most=settings.max_instances)
    yield cpu(_service("CPUUtilization", "Average"))
    yield memory(_service("MemoryUtilization", "Average"))
    yield deployment_failed("ECS rolls the service back to the last deployment that worked.")


def failed_deployments(service_arn: str) -> str:
    """Return the pattern of the events of a service's failed deployments, as JSON."""
    return json.dumps(
        {
            "source": ["aws.ecs"],
            "detail-type": ["ECS Deployment State Change"],
            "resources": [service_arn],
            "detail": {"eventName": [FAILED_DEPLOYMENT]},
        }
    )
