"""Which deployed stack a probe reads, and why another one doesn't do. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

NOT_DEPLOYED: Final = "the stack isn't deployed"


@dataclass(frozen=True, kw_only=True)
class DeployedStack:
    """A stack that a probe may read.

    Attributes:
        outputs: its outputs.
        service_arn: the host's service, if the host is App Runner.
        load_balancer_arn: the host's load balancer, if the host is Fargate.
    """

    outputs: Mapping[str, Any]
    service_arn: str | None = None
    load_balancer_arn: str | None = None


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a stack must have for a probe.

    Attributes:
        words: the stack in words.
        is_met_by: returns whether a stack has it.
        otherwise: what a stack is, or lacks, that doesn't.
    """

    words: str
    is_met_by: Callable[[DeployedStack], bool]
    otherwise: str

    def missing(self, stack: DeployedStack | None) -> str:
        """Return why a stack doesn't do; nothing if it does.

        Args:
            stack: None if it isn't deployed.
        """
        if stack is None:
            return NOT_DEPLOYED
        return "" if self.is_met_by(stack) else self.otherwise


ON_APP_RUNNER: Final = Need(
    words="a stack on App Runner",
    is_met_by=lambda stack: stack.service_arn is not None,
    otherwise="the stack's host isn't App Runner",
)
ON_FARGATE: Final = Need(
    words="a stack on Fargate",
    is_met_by=lambda stack: stack.load_balancer_arn is not None,
    otherwise="the stack's host isn't Fargate",
)
ON_FARGATE_WITH_A_DOMAIN: Final = Need(
    words="a stack on Fargate with a domain",
    # Without one, only the edge reaches the load balancer.
    is_met_by=lambda stack: (
        ON_FARGATE.is_met_by(stack) and stack.outputs["mcpUrl"] != stack.outputs.get("edgeUrl")
    ),
    otherwise="the stack has no load balancer that callers reach",
)
WITH_THE_EDGE: Final = Need(
    words="a stack with the edge",
    is_met_by=lambda stack: stack.outputs.get("edgeUrl") is not None,
    otherwise="the stack has no edge",
)
