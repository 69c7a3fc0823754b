"""Application Auto Scaling: scalable targets and their target-tracking policies.

Sources: the Application Auto Scaling API reference, and the schemas of aws_appautoscaling_target
and aws_appautoscaling_policy for the changes that force a replacement.
"""

from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.schema import (
    Kind,
    Properties,
    Property,
    ResourceRequest,
    unsupported,
)
from localcloud.providers.values import Values

_NOT_FOUND: Final = frozenset({"ObjectNotFoundException"})
_SCOPE: Final[Properties] = {
    "resourceId": Property(required=True, force_new=True),
    "scalableDimension": Property(required=True, force_new=True),
    "serviceNamespace": Property(required=True, force_new=True),
}


def _scope(state: Values) -> Document:
    return {
        "ResourceId": state.get("resourceId"),
        "ScalableDimension": state.get("scalableDimension"),
        "ServiceNamespace": state.get("serviceNamespace"),
    }


class Target(AwsResource):
    """aws:appautoscaling/target:Target."""

    token = "aws:appautoscaling/target:Target"  # noqa: S105  # a Pulumi type
    service = "application-autoscaling"
    not_found_codes = _NOT_FOUND
    creates = Operation(name="RegisterScalableTarget")
    reads = Operation(name="DescribeScalableTargets", result="ScalableTargets")
    updates = Operation(name="RegisterScalableTarget")
    deletes = Operation(name="DeregisterScalableTarget")
    id_members = ("ResourceId",)
    tagging = Tagging(
        resource="ResourceARN",
        pairs=None,
        list="ListTagsForResource",
    )
    handled = HANDLED
    properties: ClassVar[Properties] = {
        **_SCOPE,
        "maxCapacity": Property(kind=Kind.INTEGER, required=True),
        "minCapacity": Property(kind=Kind.INTEGER, required=True),
        "roleArn": Property(computed=True, aws="RoleARN"),
        "suspendedState": Property(
            kind=Kind.OBJECT,
            computed=True,
            properties={
                name: Property(kind=Kind.BOOLEAN, default=False)
                for name in (
                    "dynamicScalingInSuspended",
                    "dynamicScalingOutSuspended",
                    "scheduledScalingSuspended",
                )
            },
        ),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="ScalableTargetARN"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the target; an import names its namespace, resource and dimension."""
        scope = _scope(request.state)
        return {**scope, "ResourceIds": [scope["ResourceId"] or request.id]}


class Policy(AwsResource):
    """aws:appautoscaling/policy:Policy of the type TargetTrackingScaling."""

    token = "aws:appautoscaling/policy:Policy"  # noqa: S105  # a Pulumi type
    service = "application-autoscaling"
    autonamed = "name"
    not_found_codes = _NOT_FOUND
    creates = Operation(name="PutScalingPolicy")
    reads = Operation(name="DescribeScalingPolicies", result="ScalingPolicies")
    updates = Operation(name="PutScalingPolicy")
    deletes = Operation(name="DeleteScalingPolicy")
    id_members = ("PolicyName",)
    handled = HANDLED
    properties: ClassVar[Properties] = {
        **_SCOPE,
        "name": Property(required=True, force_new=True, aws="PolicyName"),
        # The real provider's default is StepScaling, which isn't supported here.
        "policyType": Property(required=True),
        "targetTrackingScalingPolicyConfiguration": Property(
            kind=Kind.OBJECT,
            properties={
                "disableScaleIn": Property(kind=Kind.BOOLEAN, default=False),
                "predefinedMetricSpecification": Property(
                    kind=Kind.OBJECT,
                    properties={
                        "predefinedMetricType": Property(required=True),
                        "resourceLabel": Property(),
                    },
                ),
                "scaleInCooldown": Property(kind=Kind.INTEGER),
                "scaleOutCooldown": Property(kind=Kind.INTEGER),
                "targetValue": Property(kind=Kind.NUMBER, required=True),
                **unsupported("customizedMetricSpecification"),
            },
        ),
        "region": REGION,
        "alarmArns": Property(kind=Kind.LIST, items=Property(), output=True, volatile=True),
        "arn": Property(output=True, aws="PolicyARN"),
        **unsupported("predictiveScalingPolicyConfiguration", "stepScalingPolicyConfiguration"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the policy, alone or in a list, and what it scales."""
        return {
            **_scope(request.state),
            "PolicyName": request.id,
            "PolicyNames": [request.id],
        }

    def described(self, response: Document) -> Values:
        """Add the ARNs of the alarms."""
        alarms = [each["AlarmARN"] for each in response.get("Alarms", ())]
        return {**super().described(response), "alarmArns": alarms}
