"""What requests must satisfy beyond their shapes. Pure.

Source: the API reference of Application Auto Scaling.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from localcloud.aws.autoscaling.models import TrackedMetric
from localcloud.aws.autoscaling.resources import ServiceInfo
from localcloud.aws.protocol import ApiError

NAMESPACE: Final = "ecs"
DIMENSION: Final = "ecs:service:DesiredCount"
_RESOURCE: Final = re.compile(r"service/([^/]+)/([^/]+)")
_LABEL: Final = re.compile(r"(app/[^/]+/[0-9a-f]+)/(targetgroup/[^/]+/[0-9a-f]+)")
_ECS_METRICS: Final = {
    "ECSServiceAverageCPUUtilization": "CPUUtilization",
    "ECSServiceAverageMemoryUtilization": "MemoryUtilization",
}


def invalid(message: str) -> ApiError:
    """Return the error for an invalid request."""
    return ApiError("ValidationException", message)


def check_service(request: Mapping[str, Any]) -> None:
    """Refuse what isn't an ECS service.

    Raises:
        ApiError: ValidationException, with the name.
    """
    if request["ServiceNamespace"] != NAMESPACE:
        raise invalid(
            "The stand-in scales ECS services only, and not the service namespace"
            f" {request['ServiceNamespace']}"
        )
    if request.get("ScalableDimension", DIMENSION) != DIMENSION:
        raise invalid(
            f"Unsupported service namespace, resource type or scalable dimension:"
            f" {request['ScalableDimension']}"
        )


def service_of(resource_id: str) -> tuple[str, str]:
    """Return the cluster and the name of a service.

    Raises:
        ApiError: ValidationException.
    """
    found = _RESOURCE.fullmatch(resource_id)
    if found is None:
        raise invalid(
            "Unsupported service namespace, resource type or scalable dimension:"
            f" {resource_id} isn't service/<cluster>/<service>"
        )
    return found[1], found[2]


def check_limits(least: int | None, most: int | None) -> tuple[int, int]:
    """Return the limits of a scalable target.

    Raises:
        ApiError: ValidationException.
    """
    if least is None or most is None:
        raise invalid("Both minimum and maximum capacity must be specified for a new target")
    if not 0 <= least <= most:
        raise invalid("Minimum capacity must be between 0 and the maximum capacity")
    return least, most


def tracked_metric(request: Mapping[str, Any], service: ServiceInfo) -> TrackedMetric:
    """Return the metric that a policy tracks.

    Raises:
        ApiError: ValidationException.
    """
    if request.get("PolicyType", "StepScaling") != "TargetTrackingScaling":
        raise invalid("The stand-in has policies of the type TargetTrackingScaling only")
    configuration = request.get("TargetTrackingScalingPolicyConfiguration")
    if configuration is None:
        raise invalid("TargetTrackingScalingPolicyConfiguration must be specified")
    if configuration["TargetValue"] <= 0:
        raise invalid("The target value must be greater than 0")
    specification = configuration.get("PredefinedMetricSpecification")
    if specification is None or "CustomizedMetricSpecification" in configuration:
        raise invalid("The stand-in's policies track a predefined metric only")
    kind, label = specification["PredefinedMetricType"], specification.get("ResourceLabel")
    cluster, name = service_of(request["ResourceId"])
    if kind in _ECS_METRICS:
        if label is not None:
            raise invalid(f"ResourceLabel can't be specified for {kind}")
        return TrackedMetric(
            namespace="AWS/ECS",
            name=_ECS_METRICS[kind],
            statistic="Average",
            dimensions={"ClusterName": cluster, "ServiceName": name},
            per_minute=False,
        )
    if kind != "ALBRequestCountPerTarget":
        raise invalid(f"The metric {kind} isn't one of an ECS service")
    found = _LABEL.fullmatch(label or "")
    if found is None:
        raise invalid(
            "ResourceLabel must be app/<load balancer>/<id>/targetgroup/<target group>/<id>"
        )
    if not any(arn.endswith(f":{found[2]}") for arn in service.target_groups):
        raise invalid(f"Target group {found[2]} isn't attached to the ECS service {name}")
    return TrackedMetric(
        namespace="AWS/ApplicationELB",
        name="RequestCountPerTarget",
        statistic="Sum",
        dimensions={"LoadBalancer": found[1], "TargetGroup": found[2]},
        per_minute=True,
    )
