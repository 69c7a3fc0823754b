"""What other services use of Elastic Load Balancing: they register targets, and read their health.

All methods can be awaited from any event loop.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class TargetState(StrEnum):
    """A target's state (API reference, TargetHealth)."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    UNUSED = "unused"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target of a group.

    Attributes:
        id: its private IP address, as AWS's clients see it.
        port: the port that it listens on.
    """

    id: str
    port: int


@dataclass(frozen=True, kw_only=True)
class TargetHealth:
    """A target's health.

    Attributes:
        state: its state.
        reason: Elastic Load Balancing's code for the reason, such as Target.FailedHealthChecks.
        description: the reason in words.
    """

    state: TargetState
    reason: str | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class TargetGroupInfo:
    """A target group as other services see it.

    Attributes:
        arn: its ARN.
        target_type: what its targets are: `ip`.
        protocol: the protocol of its targets: HTTP.
        port: the port of targets that are registered without one.
        vpc_id: the VPC of its targets.
        load_balancer_arns: the load balancers that forward to it.
        deregistration_delay: seconds for which a deregistered target may finish its requests.
    """

    arn: str
    target_type: str
    protocol: str
    port: int
    vpc_id: str
    load_balancer_arns: tuple[str, ...]
    deregistration_delay: float


class TargetRegistry(Protocol):
    """Registers targets, and reports on them."""

    async def target_group(self, arn: str) -> TargetGroupInfo | None:
        """Return a target group; None if it doesn't exist."""

    async def register(self, arn: str, target: Target, *, address: tuple[str, int]) -> None:
        """Register a target with a group, or end its draining.

        Args:
            arn: the target group.
            target: the target.
            address: the host and port at which this machine reaches it.

        Raises:
            LookupError: the target group doesn't exist.
        """

    async def deregister(self, arn: str, target: Target) -> None:
        """Send a target no more requests, and let it finish those that it has."""

    async def drained(self, arn: str, target: Target) -> None:
        """Wait until a deregistered target is unused."""

    async def health(self, arn: str, target: Target) -> TargetHealth:
        """Return a target's health, which is `unused` if it isn't registered."""
