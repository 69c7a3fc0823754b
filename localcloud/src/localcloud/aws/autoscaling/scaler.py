"""Reads the metrics of scaled services regularly, and changes the services."""

import logging
import uuid
from collections.abc import Sequence
from typing import Final

from localcloud.aws.autoscaling import tracking
from localcloud.aws.autoscaling.models import (
    ScalableTarget,
    ScalingActivity,
    ScalingPolicy,
    ScalingState,
)
from localcloud.aws.autoscaling.resources import ResourceError, Resources
from localcloud.aws.autoscaling.tracking import Change, History, Limits, PolicyReading
from localcloud.aws.context import ServiceContext

_LOG = logging.getLogger(__name__)
_MINUTE: Final = 60.0
DEFAULT_COOLDOWN: Final = 300
"""Seconds, for ECS services (API reference, TargetTrackingScalingPolicyConfiguration)."""


class Scaler:
    """Scales services as their policies say.

    Attributes:
        minute: seconds that count as a minute, for the metrics, the alarms and the cool-downs. On
            AWS, 60.
    """

    def __init__(
        self, state: ScalingState, resources: Resources, context: ServiceContext, *, minute: int
    ) -> None:
        """Start without history."""
        self.minute = minute
        self._state = state
        self._resources = resources
        self._context = context
        self._histories: dict[str, History] = {}
        self._evaluated = 0.0

    async def run_due(self) -> None:
        """Evaluate all policies once in each minute."""
        end = self._context.clock() // self.minute * self.minute
        if end <= self._evaluated:
            return
        self._evaluated = end
        for target in list(self._state.targets.values()):
            try:
                await self._scale(target, end)
            except Exception:  # the others must be evaluated in this minute, too  # noqa: BLE001
                _LOG.exception("%s could not be scaled", target.resource_id)

    async def _scale(self, target: ScalableTarget, end: float) -> None:
        _, cluster, name = target.resource_id.split("/")
        service = await self._resources.service(cluster, name)
        if service is None:
            return
        now = self._context.clock()
        policies = self._state.policies_of(target.resource_id)
        history = self._histories.get(target.resource_id, History())
        change = tracking.decide(
            [await self._reading(policy, end) for policy in policies],
            capacity=service.desired,
            limits=Limits(
                least=target.min_capacity,
                most=target.max_capacity,
                out_suspended=target.suspended.get("DynamicScalingOutSuspended", False),
                # ECS's developer guide: no scale-in while a deployment is in progress.
                in_suspended=service.is_deploying
                or target.suspended.get("DynamicScalingInSuspended", False),
            ),
            history=history,
            now=now,
        )
        if change is None:
            return
        await self._apply(target.resource_id, change)
        self._histories[target.resource_id] = history.after(change, service.desired, now)

    async def _apply(self, resource_id: str, change: Change) -> None:
        _, cluster, name = resource_id.split("/")
        started, failure = self._context.now(), None
        try:
            await self._resources.set_desired(cluster, name, change.capacity)
        except ResourceError as error:
            failure = str(error)
        self._state.activities.insert(
            0,
            ScalingActivity(
                id=str(uuid.uuid4()),
                resource_id=resource_id,
                capacity=change.capacity,
                cause=change.cause,
                started=started,
                ended=self._context.now(),
                failure=failure,
            ),
        )

    async def _reading(self, policy: ScalingPolicy, end: float) -> PolicyReading:
        values = await self._resources.values(
            policy.metric, end=end, period=self.minute, count=tracking.LOW_MINUTES
        )
        factor = self.minute / _MINUTE
        configuration = policy.configuration
        return PolicyReading(
            name=policy.name,
            high_alarm=policy.alarms[0],
            low_alarm=policy.alarms[1],
            target_value=policy.target_value,
            scales_in=policy.scales_in,
            scale_out_cooldown=factor * configuration.get("ScaleOutCooldown", DEFAULT_COOLDOWN),
            scale_in_cooldown=factor * configuration.get("ScaleInCooldown", DEFAULT_COOLDOWN),
            values=_per_minute(values, factor) if policy.metric.per_minute else values,
        )


def _per_minute(values: Sequence[float | None], factor: float) -> list[float | None]:
    return [None if value is None else value / factor for value in values]
