"""A target's health: how it is checked, and what the checks so far say."""

import contextlib
from dataclasses import dataclass, replace
from typing import Final

import aiohttp

from localcloud.aws.elbv2.models import HealthCheck
from localcloud.aws.elbv2.targets import TargetHealth, TargetState

_USER_AGENT: Final = "ELB-HealthChecker/2.0"
REGISTERING: Final = TargetHealth(
    state=TargetState.INITIAL,
    reason="Elb.RegistrationInProgress",
    description="Target registration is in progress",
)
CHECKING: Final = TargetHealth(
    state=TargetState.INITIAL,
    reason="Elb.InitialHealthChecking",
    description="Initial health checks in progress",
)
DRAINING: Final = TargetHealth(
    state=TargetState.DRAINING,
    reason="Target.DeregistrationInProgress",
    description="Target deregistration is in progress",
)
NOT_REGISTERED: Final = TargetHealth(
    state=TargetState.UNUSED,
    reason="Target.NotRegistered",
    description="Target is not registered to the target group",
)
NOT_IN_USE: Final = TargetHealth(
    state=TargetState.UNUSED,
    reason="Target.NotInUse",
    description="Target group is not configured to receive traffic from the load balancer",
)
HEALTHY: Final = TargetHealth(state=TargetState.HEALTHY)


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The result of one check.

    Attributes:
        failure: the health of a target that fails like this; None if the check passed.
    """

    failure: TargetHealth | None = None

    @property
    def passed(self) -> bool:
        """Whether the target is healthy by this check."""
        return self.failure is None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of the checks so far.

    Attributes:
        health: the target's health.
        successes: consecutive successful checks.
        failures: consecutive failed checks.
    """

    health: TargetHealth = CHECKING
    successes: int = 0
    failures: int = 0

    def after(self, check: HealthCheck, result: CheckResult) -> "Verdict":
        """Return the verdict after one more check.

        A new target is healthy after its first successful check (user guide, Health checks for
        Application Load Balancer target groups).
        """
        if result.failure is None:
            successes = self.successes + 1
            is_new = self.health.state is TargetState.INITIAL
            enough = is_new or successes >= check.healthy_threshold
            health = HEALTHY if enough else self.health
            return Verdict(health=health, successes=successes)
        failures = self.failures + 1
        enough = failures >= check.unhealthy_threshold
        unhealthy = enough or self.health.state is TargetState.UNHEALTHY
        return replace(
            self,
            health=result.failure if unhealthy else self.health,
            successes=0,
            failures=failures,
        )


async def check_target(
    check: HealthCheck, address: tuple[str, int], session: aiohttp.ClientSession
) -> CheckResult:
    """Check a target once.

    Args:
        check: how.
        address: the host and port.
        session: sends the request, without keeping the connection.
    """
    url = f"http://{address[0]}:{address[1]}{check.path}"
    failure = _failure("Target.FailedHealthChecks", "Health checks failed")
    with contextlib.suppress(OSError, aiohttp.ClientError):
        try:
            async with session.get(
                url,
                allow_redirects=False,
                headers={"user-agent": _USER_AGENT, "connection": "close"},
                timeout=aiohttp.ClientTimeout(total=check.timeout),
            ) as response:
                if matches(check.matcher, response.status):
                    return CheckResult()
                failure = _failure(
                    "Target.ResponseCodeMismatch",
                    f"Health checks failed with these codes: [{response.status}]",
                )
        except TimeoutError:
            failure = _failure("Target.Timeout", "Request timed out")
    return CheckResult(failure=failure)


def matches(matcher: str, status: int) -> bool:
    """Return whether a status is one of a matcher's, such as `200,202` or `200-299`."""
    for part in matcher.split(","):
        first, _, last = part.partition("-")
        if int(first) <= status <= int(last or first):
            return True
    return False


def _failure(reason: str, description: str) -> TargetHealth:
    return TargetHealth(state=TargetState.UNHEALTHY, reason=reason, description=description)
