"""Scalable targets, policies and activities in the shapes of the API. Pure."""

from localcloud.aws.autoscaling.models import (
    JsonObject,
    ScalableTarget,
    ScalingActivity,
    ScalingPolicy,
)
from localcloud.aws.autoscaling.rules import DIMENSION, NAMESPACE
from localcloud.aws.context import ServiceContext

_SUSPENSIONS = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)


def scalable_target(described: ScalableTarget, context: ServiceContext) -> JsonObject:
    """Return a scalable target."""
    role = (
        f"arn:aws:iam::{context.account_id}:role/aws-service-role/"
        "ecs.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_ECSService"
    )
    return {
        **_resource(described.resource_id),
        "MinCapacity": described.min_capacity,
        "MaxCapacity": described.max_capacity,
        "RoleARN": role,
        "CreationTime": described.created,
        "SuspendedState": {name: described.suspended.get(name, False) for name in _SUSPENSIONS},
        "ScalableTargetARN": described.arn,
    }


def scaling_policy(described: ScalingPolicy, context: ServiceContext) -> JsonObject:
    """Return a policy."""
    return {
        **_resource(described.resource_id),
        "PolicyARN": described.arn,
        "PolicyName": described.name,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": described.configuration,
        "Alarms": alarms(described, context),
        "CreationTime": described.created,
    }


def alarms(described: ScalingPolicy, context: ServiceContext) -> list[JsonObject]:
    """Return a policy's alarms."""
    return [
        {"AlarmName": name, "AlarmARN": context.arn("cloudwatch", f"alarm:{name}")}
        for name in described.alarms
    ]


def scaling_activity(described: ScalingActivity) -> JsonObject:
    """Return an activity."""
    capacity = described.capacity
    succeeded = (
        f"Successfully set desired count to {capacity}. Change successfully fulfilled by ecs."
    )
    return {
        **_resource(described.resource_id),
        "ActivityId": described.id,
        "Description": f"Setting desired count to {capacity}.",
        "Cause": described.cause,
        "StartTime": described.started,
        "EndTime": described.ended,
        "StatusCode": "Successful" if described.failure is None else "Failed",
        "StatusMessage": described.failure or succeeded,
    }


def _resource(resource_id: str) -> JsonObject:
    return {
        "ServiceNamespace": NAMESPACE,
        "ResourceId": resource_id,
        "ScalableDimension": DIMENSION,
    }
