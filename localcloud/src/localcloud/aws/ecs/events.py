"""The events that ECS sends to EventBridge. Pure.

Source: "Amazon ECS service deployment state change events" and "Amazon ECS task state change
events" in the ECS developer guide.
"""

import datetime as dt
from typing import Any, Final

from localcloud.aws.ecs.models import Deployment, RolloutState, Service, Task
from localcloud.aws.service_events import ServiceEvent

_SOURCE: Final = "aws.ecs"


def deployment_event(service: Service, deployment: Deployment) -> ServiceEvent:
    """Return the event of the new state of a deployment."""
    failed = deployment.rollout is RolloutState.FAILED
    return ServiceEvent(
        source=_SOURCE,
        detail_type="ECS Deployment State Change",
        resources=(service.arn,),
        detail={
            "eventType": "ERROR" if failed else "INFO",
            "eventName": f"SERVICE_DEPLOYMENT_{deployment.rollout}",
            "deploymentId": deployment.id,
            "updatedAt": _as_json(dt.datetime.fromtimestamp(deployment.updated_at, dt.UTC)),
            "reason": deployment.rollout_reason,
        },
        at=deployment.updated_at,
    )


def task_event(task: Task, at: float) -> ServiceEvent:
    """Return the event of the new state of a task."""
    updated = dt.datetime.fromtimestamp(at, dt.UTC)
    return ServiceEvent(
        source=_SOURCE,
        detail_type="ECS Task State Change",
        resources=(task.arn,),
        detail=_as_json({**task.description(), "updatedAt": updated}),
        at=at,
    )


def _as_json(value: Any) -> Any:  # noqa: ANN401 - any structure of the API
    """Return a structure with times as text and without null members."""
    if isinstance(value, dict):
        return {name: _as_json(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
    return value
