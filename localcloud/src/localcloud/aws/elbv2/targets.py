"""What ECS needs from target groups."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class TargetState(StrEnum):
    """The states of a target (API reference, TargetHealth)."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNUSED = "unused"
    DRAINING = "draining"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target of the type ip.

    Attributes:
        id: the private address of the task, as the API shows it.
        port: the port that the container listens on.
        host, host_port: where the data plane reaches the container on this machine.
        security_groups: the security groups of the task.
        availability_zone: the zone of its subnet.
    """

    id: str
    port: int
    host: str
    host_port: int
    security_groups: tuple[str, ...]
    availability_zone: str


@dataclass(frozen=True, kw_only=True)
class TargetHealth:
    """A target's health.

    Attributes:
        state: its state.
        reason: the API's reason code; empty without one.
        description: the API's description; empty without one.
    """

    state: TargetState
    reason: str = ""
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class TargetGroupFacts:
    """What decides whether a service can use a target group.

    Attributes:
        arn: its ARN.
        target_type: ip, instance or lambda.
        vpc_id: its VPC.
        load_balancer_arns: the load balancers that send requests to it.
    """

    arn: str
    target_type: str
    vpc_id: str
    load_balancer_arns: tuple[str, ...]


class TargetGroups(Protocol):
    """The account's target groups. The methods can be awaited from any event loop."""

    async def describe(self, target_group_arn: str) -> TargetGroupFacts | None:
        """Return the facts of a target group; None if it doesn't exist."""
        ...

    async def register(self, target_group_arn: str, target: Target) -> None:
        """Register a target; its health checks begin.

        Raises:
            KeyError: the target group doesn't exist.
        """
        ...

    async def deregister(self, target_group_arn: str, target_id: str, port: int) -> None:
        """Start to drain a target; an unknown target is no error."""
        ...

    async def health(self, target_group_arn: str, target_id: str, port: int) -> TargetHealth:
        """Return a target's health; one that isn't registered, or has drained, is unused."""
        ...
