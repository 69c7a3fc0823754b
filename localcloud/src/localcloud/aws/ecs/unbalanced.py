"""An account without target groups."""

from localcloud.aws.elbv2.targets import Target, TargetGroupInfo, TargetHealth, TargetState


class NoTargetGroups:
    """Finds no target group; services run without a load balancer."""

    async def target_group(self, arn: str) -> TargetGroupInfo | None:  # noqa: ARG002 - there is none
        """Return None."""
        return None

    async def register(self, arn: str, target: Target, *, address: tuple[str, int]) -> None:  # noqa: ARG002 - there is none
        """Raise LookupError."""
        raise LookupError(arn)

    async def deregister(self, arn: str, target: Target) -> None:
        """Do nothing."""

    async def drained(self, arn: str, target: Target) -> None:
        """Return at once."""

    async def health(self, arn: str, target: Target) -> TargetHealth:  # noqa: ARG002 - there is none
        """Return unused."""
        return TargetHealth(state=TargetState.UNUSED)
