"""Scalable targets, their policies, and what has been done to them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ScalableTarget:
    """An ECS service that is scaled.

    Attributes:
        arn: its ARN.
        resource_id: the service, as service/<cluster>/<service>.
        min_capacity, max_capacity: its limits.
        suspended: which scaling is suspended, as the API names it.
        created: when it was registered.
        tags: its tags.
    """

    arn: str
    resource_id: str
    min_capacity: int
    max_capacity: int
    suspended: Mapping[str, bool]
    created: dt.datetime
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrackedMetric:
    """A metric that a policy tracks.

    Attributes:
        namespace, name, statistic: of CloudWatch.
        dimensions: its dimensions.
        per_minute: whether its values add up, so that they depend on the length of the period.
    """

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, str]
    per_minute: bool


@dataclass(frozen=True, kw_only=True)
class ScalingPolicy:
    """A target tracking policy.

    Attributes:
        arn, name: its names.
        resource_id: the service.
        configuration: as in the request.
        metric: the metric.
        alarms: the names of its alarms: AlarmHigh and AlarmLow.
        created: when it was put first.
    """

    arn: str
    name: str
    resource_id: str
    configuration: JsonObject
    metric: TrackedMetric
    alarms: tuple[str, str]
    created: dt.datetime

    @property
    def target_value(self) -> float:
        """The value that the metric should have."""
        return float(self.configuration["TargetValue"])

    @property
    def scales_in(self) -> bool:
        """Whether it may remove capacity."""
        return not self.configuration.get("DisableScaleIn", False)


@dataclass(frozen=True, kw_only=True)
class ScalingActivity:
    """A change of a service's capacity.

    Attributes:
        id: its id.
        resource_id: the service.
        capacity: the new capacity.
        cause: why.
        started, ended: when.
        failure: why it failed; None if it succeeded.
    """

    id: str
    resource_id: str
    capacity: int
    cause: str
    started: dt.datetime
    ended: dt.datetime
    failure: str | None = None


class ScalingState:
    """The scalable targets of one account in one region."""

    def __init__(self) -> None:
        """Start without targets."""
        self.targets: dict[str, ScalableTarget] = {}
        self.policies: dict[tuple[str, str], ScalingPolicy] = {}
        self.activities: list[ScalingActivity] = []

    def policies_of(self, resource_id: str) -> list[ScalingPolicy]:
        """Return the policies of a service."""
        return [each for each in self.policies.values() if each.resource_id == resource_id]
