from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from localcloud.aws.autoscaling.models import ScalingState, TrackedMetric
from localcloud.aws.autoscaling.operations import ApplicationAutoScaling
from localcloud.aws.autoscaling.resources import ResourceError, ServiceInfo
from localcloud.aws.autoscaling.scaler import Scaler
from localcloud.aws.context import ServiceContext
from localcloud.aws.protocol import ApiError

RESOURCE = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/cluster/server",
    "ScalableDimension": "ecs:service:DesiredCount",
}
LABEL = "app/lb/0123456789abcdef/targetgroup/group/fedcba9876543210"
GROUP = (
    "arn:aws:elasticloadbalancing:us-east-1:000000000000:"
    + LABEL.partition("/0123456789abcdef/")[2]
)


@dataclass
class FakeResources:
    """One service, with metrics that a test sets."""

    desired: int = 1
    is_deploying: bool = False
    fails: bool = False
    other: ServiceInfo | Exception | None = None
    metrics: dict[str, list[float | None]] = field(default_factory=dict)

    async def service(self, cluster: str, name: str) -> ServiceInfo | None:
        if (cluster, name) == ("cluster", "other"):
            if isinstance(self.other, Exception):
                raise self.other
            return self.other
        if (cluster, name) != ("cluster", "server"):
            return None
        return ServiceInfo(
            desired=self.desired, is_deploying=self.is_deploying, target_groups=(GROUP,)
        )

    async def set_desired(self, cluster: str, name: str, desired: int) -> None:
        assert (cluster, name) == ("cluster", "server")
        if self.fails:
            raise ResourceError("no")
        self.desired = desired

    async def values(
        self, metric: TrackedMetric, *, end: float, period: int, count: int
    ) -> Sequence[float | None]:
        assert end % period == 0
        return self.metrics.get(metric.name, [None] * count)


@dataclass
class Cloud:
    """Application Auto Scaling with a clock that a test moves."""

    resources: FakeResources = field(default_factory=FakeResources)
    now: float = 1.7e9

    def __post_init__(self) -> None:
        context = ServiceContext(
            region="us-east-1", account_id="000000000000", clock=lambda: self.now
        )
        state = ScalingState()
        self.scaler = Scaler(state, self.resources, context, minute=60)
        self.api = ApplicationAutoScaling(state, self.resources, context)

    async def call(self, operation: str, **parameters: Any) -> Any:  # noqa: ANN401 - the API's shapes
        return await self.api.call(operation, parameters)

    async def register(self, **changes: Any) -> str:  # noqa: ANN401 - the API's shapes
        limits = {"MinCapacity": 1, "MaxCapacity": 6}
        answer = await self.call("RegisterScalableTarget", **{**RESOURCE, **limits, **changes})
        return str(answer["ScalableTargetARN"])

    async def put_policy(self, name: str, kind: str, **changes: Any) -> Any:  # noqa: ANN401 - the API's shapes
        specification = {"PredefinedMetricType": kind}
        if kind == "ALBRequestCountPerTarget":
            specification["ResourceLabel"] = LABEL
        return await self.call(
            "PutScalingPolicy",
            **RESOURCE,
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 60.0,
                "PredefinedMetricSpecification": specification,
                "ScaleOutCooldown": 60,
                "ScaleInCooldown": 120,
                **changes,
            },
        )

    async def minutes(self, count: int = 1) -> None:
        """Let minutes pass."""
        for _ in range(count):
            self.now += self.scaler.minute
            await self.scaler.run_due()


async def test_a_service_follows_its_requests_out_and_in() -> None:
    cloud = Cloud()
    await cloud.register()
    await cloud.put_policy("requests", "ALBRequestCountPerTarget")
    cloud.resources.metrics["RequestCountPerTarget"] = [180.0] * 15
    await cloud.minutes()
    assert cloud.resources.desired == 3
    cloud.resources.metrics["RequestCountPerTarget"] = [0.0] * 15
    await cloud.minutes()
    assert cloud.resources.desired == 2
    await cloud.minutes()
    assert cloud.resources.desired == 2
    await cloud.minutes()
    assert cloud.resources.desired == 1
    activities = (await cloud.call("DescribeScalingActivities", **RESOURCE))["ScalingActivities"]
    assert [each["Description"] for each in activities] == [
        "Setting desired count to 1.",
        "Setting desired count to 2.",
        "Setting desired count to 3.",
    ]
    assert "AlarmHigh" in activities[-1]["Cause"]
    assert {each["StatusCode"] for each in activities} == {"Successful"}


async def test_requests_count_per_minute_even_if_minutes_are_short() -> None:
    cloud = Cloud()
    await cloud.register()
    await cloud.put_policy("requests", "ALBRequestCountPerTarget")
    cloud.scaler.minute = 6
    cloud.resources.metrics["RequestCountPerTarget"] = [6.0] * 15
    await cloud.minutes()
    assert cloud.resources.desired == 1
    cloud.resources.metrics["RequestCountPerTarget"] = [12.0] * 15
    await cloud.minutes()
    assert cloud.resources.desired == 2


async def test_nothing_is_evaluated_twice_in_a_minute() -> None:
    cloud = Cloud()
    await cloud.register()
    await cloud.put_policy("cpu", "ECSServiceAverageCPUUtilization", ScaleOutCooldown=0)
    cloud.resources.metrics["CPUUtilization"] = [120.0] * 15
    await cloud.minutes()
    await cloud.scaler.run_due()
    assert cloud.resources.desired == 2
    await cloud.minutes()
    assert cloud.resources.desired == 4


async def test_nothing_is_removed_while_a_deployment_is_in_progress() -> None:
    cloud = Cloud(FakeResources(desired=4, is_deploying=True))
    await cloud.register()
    await cloud.put_policy("cpu", "ECSServiceAverageCPUUtilization")
    cloud.resources.metrics["CPUUtilization"] = [0.0] * 15
    await cloud.minutes(2)
    assert cloud.resources.desired == 4
    cloud.resources.is_deploying = False
    await cloud.minutes()
    assert cloud.resources.desired == 3


async def test_a_change_that_ecs_refuses_is_a_failed_activity() -> None:
    cloud = Cloud(FakeResources(fails=True))
    await cloud.register(MinCapacity=2)
    await cloud.minutes()
    [activity] = (await cloud.call("DescribeScalingActivities", **RESOURCE))["ScalingActivities"]
    assert (activity["StatusCode"], activity["Cause"]) == (
        "Failed",
        "minimum capacity was set to 2",
    )


async def test_a_service_that_can_not_be_read_delays_no_other() -> None:
    other = ServiceInfo(desired=1, is_deploying=False, target_groups=())
    resources = FakeResources(other=other)
    cloud = Cloud(resources)
    await cloud.register(ResourceId="service/cluster/other")
    await cloud.register(MinCapacity=2)
    resources.other = TimeoutError("ECS doesn't answer")
    await cloud.minutes()
    assert resources.desired == 2


async def test_activities_are_described_in_pages() -> None:
    cloud = Cloud(FakeResources(fails=True))
    await cloud.register(MinCapacity=2)
    await cloud.minutes(3)
    first = await cloud.call("DescribeScalingActivities", **RESOURCE, MaxResults=2)
    rest = await cloud.call("DescribeScalingActivities", **RESOURCE, NextToken=first["NextToken"])
    found = [*first["ScalingActivities"], *rest["ScalingActivities"]]
    assert len({each["ActivityId"] for each in found}) == 3
    assert rest["NextToken"] is None
    for wrong, code in (
        ({"NextToken": "nonsense"}, "InvalidNextTokenException"),
        ({"MaxResults": 51}, "ValidationException"),
    ):
        with pytest.raises(ApiError) as error:
            await cloud.call("DescribeScalingActivities", **RESOURCE, **wrong)
        assert error.value.code == code


async def test_targets_and_policies_are_described() -> None:
    cloud = Cloud()
    arn = await cloud.register(Tags={"Project": "x"})
    put = await cloud.put_policy("requests", "ALBRequestCountPerTarget")
    [target] = (await cloud.call("DescribeScalableTargets", ServiceNamespace="ecs"))[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"], target["ScalableTargetARN"]) == (
        1,
        6,
        arn,
    )
    assert (await cloud.call("ListTagsForResource", ResourceARN=arn))["Tags"] == {"Project": "x"}
    [policy] = (await cloud.call("DescribeScalingPolicies", ServiceNamespace="ecs"))[
        "ScalingPolicies"
    ]
    assert policy["Alarms"] == put["Alarms"]
    assert [each["AlarmName"].count("Alarm") for each in policy["Alarms"]] == [1, 1]
    again = await cloud.put_policy("requests", "ALBRequestCountPerTarget", TargetValue=90)
    assert again == put
    await cloud.call("DeregisterScalableTarget", **RESOURCE)
    assert not (await cloud.call("DescribeScalingPolicies", ServiceNamespace="ecs"))[
        "ScalingPolicies"
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"ServiceNamespace": "dynamodb"},
        {"ScalableDimension": "ecs:service:Other"},
        {"ResourceId": "service/cluster/gone"},
        {"ResourceId": "service/server"},
        {"MinCapacity": 7},
        {"MinCapacity": None},
    ],
)
async def test_a_target_that_aws_refuses_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as error:
        await Cloud().register(**changes)
    assert error.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TargetValue": 0}, "greater than 0"),
        ({"PredefinedMetricSpecification": {"PredefinedMetricType": "Other"}}, "Other"),
        (
            {"PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}},
            "ResourceLabel must be",
        ),
        (
            {
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "ALBRequestCountPerTarget",
                    "ResourceLabel": LABEL.replace("group/f", "group/0"),
                }
            },
            "isn't attached",
        ),
        ({"CustomizedMetricSpecification": {}}, "predefined metric only"),
    ],
)
async def test_a_policy_that_aws_refuses_is_refused(changes: dict[str, Any], message: str) -> None:
    cloud = Cloud()
    await cloud.register()
    with pytest.raises(ApiError, match=message):
        await cloud.put_policy("policy", "ECSServiceAverageCPUUtilization", **changes)


async def test_a_policy_needs_a_target_and_a_metric_of_its_own() -> None:
    cloud = Cloud()
    with pytest.raises(ApiError) as error:
        await cloud.put_policy("cpu", "ECSServiceAverageCPUUtilization")
    assert error.value.code == "ObjectNotFoundException"
    await cloud.register()
    await cloud.put_policy("cpu", "ECSServiceAverageCPUUtilization")
    with pytest.raises(ApiError, match="Only one TargetTrackingScaling policy"):
        await cloud.put_policy("other", "ECSServiceAverageCPUUtilization")
    with pytest.raises(ApiError) as error:
        await cloud.call("DeleteScalingPolicy", **RESOURCE, PolicyName="other")
    assert error.value.code == "ObjectNotFoundException"
