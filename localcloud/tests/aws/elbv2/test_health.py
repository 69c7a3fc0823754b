import pytest

from localcloud.aws.elbv2.health import CHECKING, HEALTHY, CheckResult, Verdict, matches
from localcloud.aws.elbv2.models import HealthCheck
from localcloud.aws.elbv2.targets import TargetHealth, TargetState

CHECK = HealthCheck(healthy_threshold=3, unhealthy_threshold=2)
PASSED = CheckResult()
FAILED = CheckResult(
    failure=TargetHealth(state=TargetState.UNHEALTHY, reason="Target.Timeout", description="x")
)


def health_after(*results: CheckResult, verdict: Verdict | None = None) -> TargetHealth:
    verdict = verdict or Verdict()
    for result in results:
        verdict = verdict.after(CHECK, result)
    return verdict.health


def test_a_new_target_is_healthy_after_one_check() -> None:
    assert health_after() == CHECKING
    assert health_after(PASSED) == HEALTHY
    assert health_after(FAILED, PASSED) == HEALTHY


def test_failures_count_up_to_the_threshold() -> None:
    assert health_after(FAILED) == CHECKING
    assert health_after(FAILED, FAILED) == FAILED.failure
    assert health_after(PASSED, FAILED) == HEALTHY
    assert health_after(PASSED, FAILED, PASSED, FAILED) == HEALTHY
    assert health_after(PASSED, FAILED, FAILED) == FAILED.failure


def test_an_unhealthy_target_recovers_after_the_threshold() -> None:
    unhealthy = Verdict().after(CHECK, FAILED).after(CHECK, FAILED)
    assert health_after(PASSED, PASSED, verdict=unhealthy) == FAILED.failure
    assert health_after(PASSED, PASSED, PASSED, verdict=unhealthy) == HEALTHY
    assert health_after(PASSED, PASSED, FAILED, PASSED, verdict=unhealthy) == FAILED.failure


@pytest.mark.parametrize(
    ("matcher", "status", "matched"),
    [
        ("200", 200, True),
        ("200", 204, False),
        ("200,301", 301, True),
        ("200-299", 299, True),
        ("200-299", 300, False),
        ("204,200-202", 202, True),
    ],
)
def test_a_matcher_names_statuses(matcher: str, status: int, matched: bool) -> None:
    assert matches(matcher, status) is matched
