"""The operations of Application Auto Scaling's API, with validated requests."""

import dataclasses
import secrets
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final

from localcloud.aws import paging
from localcloud.aws.autoscaling import descriptions, rules
from localcloud.aws.autoscaling.models import (
    JsonObject,
    ScalableTarget,
    ScalingPolicy,
    ScalingState,
)
from localcloud.aws.autoscaling.resources import Resources, ServiceInfo
from localcloud.aws.context import ServiceContext
from localcloud.aws.protocol import ApiError

# Source of both: the API reference, DescribeScalableTargets and DescribeScalingPolicies.
_PAGE: Final = 50
_POLICIES_PAGE: Final = 10

Operation = Callable[[JsonObject], Coroutine[Any, Any, JsonObject]]


class ApplicationAutoScaling:
    """The API's operations."""

    def __init__(self, state: ScalingState, resources: Resources, context: ServiceContext) -> None:
        """Operate scalable targets.

        Args:
            state: the targets.
            resources: the services.
            context: where and when this runs.
        """
        self._state = state
        self._resources = resources
        self._context = context
        self._operations: Mapping[str, Operation] = {
            "DeleteScalingPolicy": self._delete_scaling_policy,
            "DeregisterScalableTarget": self._deregister_scalable_target,
            "DescribeScalableTargets": self._describe_scalable_targets,
            "DescribeScalingActivities": self._describe_scaling_activities,
            "DescribeScalingPolicies": self._describe_scaling_policies,
            "ListTagsForResource": self._list_tags_for_resource,
            "PutScalingPolicy": self._put_scaling_policy,
            "RegisterScalableTarget": self._register_scalable_target,
            "TagResource": self._tag_resource,
            "UntagResource": self._untag_resource,
        }

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request.

        Raises:
            ApiError: the operation fails.
        """
        execute = self._operations.get(operation)
        if execute is None:
            raise rules.invalid(
                f"The stand-in's Application Auto Scaling doesn't have {operation}."
            )
        return await execute(parameters)

    async def _register_scalable_target(self, request: JsonObject) -> JsonObject:
        rules.check_service(request)
        resource_id = request["ResourceId"]
        await self._service(resource_id)
        existing = self._state.targets.get(resource_id)
        least, most = rules.check_limits(
            request.get("MinCapacity", existing and existing.min_capacity),
            request.get("MaxCapacity", existing and existing.max_capacity),
        )
        if existing is None:
            suffix = secrets.token_hex(16)
            existing = ScalableTarget(
                arn=self._context.arn("application-autoscaling", f"scalable-target/0ec5{suffix}"),
                resource_id=resource_id,
                min_capacity=least,
                max_capacity=most,
                suspended={},
                created=self._context.now(),
            )
        self._state.targets[resource_id] = dataclasses.replace(
            existing,
            min_capacity=least,
            max_capacity=most,
            suspended={**existing.suspended, **request.get("SuspendedState", {})},
            tags={**existing.tags, **request.get("Tags", {})},
        )
        return {"ScalableTargetARN": existing.arn}

    async def _describe_scalable_targets(self, request: JsonObject) -> JsonObject:
        rules.check_service(request)
        wanted = request.get("ResourceIds")
        found = [
            descriptions.scalable_target(each, self._context)
            for each in self._state.targets.values()
            if wanted is None or each.resource_id in wanted
        ]
        return _page("ScalableTargets", found, request)

    async def _deregister_scalable_target(self, request: JsonObject) -> JsonObject:
        target = self._target(request)
        for policy in self._state.policies_of(target.resource_id):
            del self._state.policies[policy.resource_id, policy.name]
        del self._state.targets[target.resource_id]
        return {}

    async def _put_scaling_policy(self, request: JsonObject) -> JsonObject:
        target = self._target(request)
        service = await self._service(target.resource_id)
        metric = rules.tracked_metric(request, service)
        key = (target.resource_id, request["PolicyName"])
        existing = self._state.policies.get(key)
        for other in self._state.policies_of(target.resource_id):
            if other.metric == metric and other.name != request["PolicyName"]:
                raise rules.invalid(
                    "Only one TargetTrackingScaling policy for a given metric specification is"
                    " allowed."
                )
        policy = ScalingPolicy(
            arn=existing.arn if existing else self._policy_arn(*key),
            name=request["PolicyName"],
            resource_id=target.resource_id,
            configuration=request["TargetTrackingScalingPolicyConfiguration"],
            metric=metric,
            alarms=existing.alarms if existing else _alarm_names(target.resource_id),
            created=existing.created if existing else self._context.now(),
        )
        self._state.policies[key] = policy
        return {
            "PolicyARN": policy.arn,
            "Alarms": descriptions.alarms(policy, self._context),
        }

    async def _describe_scaling_policies(self, request: JsonObject) -> JsonObject:
        rules.check_service(request)
        names = request.get("PolicyNames")
        found = [
            descriptions.scaling_policy(each, self._context)
            for each in _of_resource(self._state.policies.values(), request)
            if names is None or each.name in names
        ]
        return _page("ScalingPolicies", found, request, most=_POLICIES_PAGE)

    async def _delete_scaling_policy(self, request: JsonObject) -> JsonObject:
        rules.check_service(request)
        key = (request["ResourceId"], request["PolicyName"])
        if self._state.policies.pop(key, None) is None:
            raise ApiError(
                "ObjectNotFoundException",
                f"No scaling policy found for service namespace: {rules.NAMESPACE}, resource ID:"
                f" {key[0]}, scalable dimension: {rules.DIMENSION}: {key[1]}",
            )
        return {}

    async def _describe_scaling_activities(self, request: JsonObject) -> JsonObject:
        rules.check_service(request)
        found = [
            descriptions.scaling_activity(each)
            for each in _of_resource(self._state.activities, request)
        ]
        return _page("ScalingActivities", found, request)

    async def _list_tags_for_resource(self, request: JsonObject) -> JsonObject:
        return {"Tags": dict(self._tagged(request).tags)}

    async def _tag_resource(self, request: JsonObject) -> JsonObject:
        target = self._tagged(request)
        self._state.targets[target.resource_id] = dataclasses.replace(
            target, tags={**target.tags, **request["Tags"]}
        )
        return {}

    async def _untag_resource(self, request: JsonObject) -> JsonObject:
        target = self._tagged(request)
        left = {key: value for key, value in target.tags.items() if key not in request["TagKeys"]}
        self._state.targets[target.resource_id] = dataclasses.replace(target, tags=left)
        return {}

    async def _service(self, resource_id: str) -> ServiceInfo:
        service = await self._resources.service(*rules.service_of(resource_id))
        if service is None:
            raise rules.invalid(f"ECS service doesn't exist: {resource_id}")
        return service

    def _target(self, request: JsonObject) -> ScalableTarget:
        rules.check_service(request)
        target = self._state.targets.get(request["ResourceId"])
        if target is None:
            raise ApiError(
                "ObjectNotFoundException",
                f"No scalable target registered for service namespace: {rules.NAMESPACE}, resource"
                f" ID: {request['ResourceId']}, scalable dimension: {rules.DIMENSION}",
            )
        return target

    def _tagged(self, request: JsonObject) -> ScalableTarget:
        arn = request["ResourceARN"]
        found = next((each for each in self._state.targets.values() if each.arn == arn), None)
        if found is None:
            raise ApiError("ResourceNotFoundException", f"Resource {arn} not found")
        return found

    def _policy_arn(self, resource_id: str, name: str) -> str:
        return self._context.arn(
            "autoscaling",
            f"scalingPolicy:{uuid.uuid4()}:resource/{rules.NAMESPACE}/{resource_id}"
            f":policyName/{name}",
        )


def _alarm_names(resource_id: str) -> tuple[str, str]:
    prefix = f"TargetTracking-{resource_id}"
    return f"{prefix}-AlarmHigh-{uuid.uuid4()}", f"{prefix}-AlarmLow-{uuid.uuid4()}"


def _of_resource(items: Iterable[Any], request: JsonObject) -> Iterable[Any]:
    wanted = request.get("ResourceId")
    return (each for each in items if wanted is None or each.resource_id == wanted)


def _page(
    member: str, items: Sequence[object], request: JsonObject, *, most: int = _PAGE
) -> JsonObject:
    """Return the page of a list that a request asks for.

    Args:
        member: the list's name in the response.
        items: the whole list.
        request: the request.
        most: the size of a page, unless the request has a smaller one.
    """
    size = request.get("MaxResults", most)
    if not 1 <= size <= most:
        raise rules.invalid(f"MaxResults must be from 1 to {most}")
    try:
        found, token = paging.page(items, size=size, token=request.get("NextToken"))
    except paging.InvalidTokenError:
        raise ApiError("InvalidNextTokenException", "NextToken isn't valid") from None
    return {member: found, "NextToken": token}
