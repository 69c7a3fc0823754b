"""Settings of each host for a rate and a latency."""

from dataclasses import replace
from decimal import Decimal

import pytest

from automation.cost.hosts import AppRunner, Fargate, Lambda
from automation.size.measurements import Size
from automation.size.model import Parameters, predict_rate
from automation.size.sizing import Goal, Sizing, Unreachable, largest_rate, size_hosts
from components.settings import Hosting

_INSTANCE = Parameters(delay=0.009, service=0.007, servers=1, spread=0.4, busy_spread=0.3)
_SIZE = Size(hosting=Hosting.APP_RUNNER, cpu=1024, memory=2048)


def _size(
    hosting: Hosting, goal: Goal, *, parameters: Parameters = _INSTANCE, measured: Size = _SIZE
) -> Sizing | Unreachable:
    (found,) = size_hosts(parameters, measured, goal, [hosting])
    return found


def _reached(hosting: Hosting, goal: Goal, *, measured: Size = _SIZE) -> Sizing:
    found = _size(hosting, goal, measured=measured)
    assert isinstance(found, Sizing), found
    return found


def _reason(hosting: Hosting, goal: Goal, *, measured: Size = _SIZE) -> str:
    found = _size(hosting, goal, measured=measured)
    assert isinstance(found, Unreachable), found
    assert found.hosting is hosting
    return found.reason


@pytest.mark.parametrize("hosting", [Hosting.APP_RUNNER, Hosting.FARGATE])
@pytest.mark.parametrize("p95", [0.04, 0.06, 0.25])
def test_there_are_as_many_instances_as_the_latency_needs(hosting: Hosting, p95: float) -> None:
    goal = Goal(rate=590, p95=p95)

    found = _reached(hosting, goal)

    assert found.settings["minInstances"] == found.instances
    assert goal.problem(found.prediction) is None
    assert goal.problem(predict_rate(_INSTANCE, 590 / (found.instances - 1))) is not None


def test_a_longer_latency_needs_fewer_instances_until_they_are_too_busy() -> None:
    instances = [
        _reached(Hosting.FARGATE, Goal(rate=590, p95=p95)).instances for p95 in (0.04, 0.06, 9)
    ]

    assert instances == sorted(instances, reverse=True)
    assert instances[0] > instances[-1]
    # One instance answers 143 calls a second, and may be busy for 70 % of the time.
    assert instances[-1] == 6


def test_only_the_median_can_be_limited() -> None:
    found = _reached(Hosting.FARGATE, Goal(rate=590, p50=0.018))

    assert found.prediction.percentile(0.5) <= 0.018
    assert found.instances > 6


def test_the_cost_is_that_of_the_settings() -> None:
    found = _reached(Hosting.FARGATE, Goal(rate=590, p95=0.25))

    assert found.host == replace(
        Fargate.by_default(edge=True),
        cpu=1024,
        memory=2048,
        fewest=6,
        most=9,
        requests_per_target=found.settings["requestsPerTarget"],
    )
    processors = next(line for line in found.lines if "processors" in line.what)
    assert processors.loaded == Decimal(6 * 730)
    assert found.usd == sum(line.loaded_usd for line in found.lines)


def test_scaling_starts_an_instance_before_the_goal_is_missed() -> None:
    goal = Goal(rate=590, p95=0.06)

    per_minute = _reached(Hosting.FARGATE, goal).settings["requestsPerTarget"]

    assert per_minute / 60 == pytest.approx(largest_rate(_INSTANCE, goal), rel=0.01)


def test_an_instance_takes_all_calls_that_usually_meet() -> None:
    found = _reached(Hosting.APP_RUNNER, Goal(rate=590, p95=0.25))
    concurrency = found.settings["maxConcurrency"]

    assert isinstance(found.host, AppRunner)
    assert found.host.concurrency == concurrency
    assert found.prediction.concurrency < concurrency <= 200
    quiet = _reached(Hosting.APP_RUNNER, Goal(rate=0.1, p95=0.25)).settings
    # `automation check` makes up to 14 calls at the same time.
    assert quiet["maxConcurrency"] * quiet["maxInstances"] >= 14


@pytest.mark.parametrize("rate", [1, 50, 2000, 20000])
def test_lambda_has_an_environment_for_each_call_under_way(rate: float) -> None:
    found = _reached(Hosting.LAMBDA, Goal(rate=rate, p95=0.25))
    mean = rate * found.prediction.mean

    assert found.prediction.mean == pytest.approx(_INSTANCE.alone, rel=0.01)
    assert max(mean, 20) <= found.settings["maxInstances"] <= max(mean + 4 * mean**0.5 + 4, 20)
    assert isinstance(found.host, Lambda)
    assert found.host.most == found.settings["maxInstances"]


@pytest.mark.parametrize(("cpu", "memory"), [(256, 443), (1024, 1769), (4096, 7076)])
def test_lambda_gets_as_much_of_a_processor(cpu: int, memory: int) -> None:
    size = Size(hosting=Hosting.FARGATE, cpu=cpu, memory=2 * cpu)

    assert _reached(Hosting.LAMBDA, Goal(rate=1), measured=size).settings["memory"] == memory


def test_memory_is_one_that_the_host_offers() -> None:
    size = Size(hosting=Hosting.FARGATE, cpu=512, memory=3072)

    assert _reached(Hosting.FARGATE, Goal(rate=1), measured=size).settings["memory"] == 3072
    assert _reached(Hosting.APP_RUNNER, Goal(rate=1), measured=size).settings["memory"] == 1024


@pytest.mark.parametrize("hosting", Hosting)
def test_a_latency_below_that_of_a_single_call_is_unreachable(hosting: Hosting) -> None:
    reason = _reason(hosting, Goal(rate=1, p95=0.02))

    assert reason.startswith("p95 would be 28")
    assert "More instances don't help" in reason


@pytest.mark.parametrize(
    ("hosting", "rate", "reported"),
    [
        (
            Hosting.APP_RUNNER,
            5000,
            "needs 51 instances of 1024 CPU units, 2048 MB, and can have 25",
        ),
        (Hosting.FARGATE, 101_000, "and can have 1000"),
        (Hosting.LAMBDA, 70_000, "environments, and can have 1000"),
    ],
)
def test_more_than_the_host_can_have_is_unreachable(
    hosting: Hosting, rate: float, reported: str
) -> None:
    assert reported in _reason(hosting, Goal(rate=rate, p95=0.25))


@pytest.mark.parametrize("hosting", [Hosting.APP_RUNNER, Hosting.FARGATE])
def test_measurements_of_lambda_say_nothing_about_instances(hosting: Hosting) -> None:
    size = Size(hosting=Hosting.LAMBDA, cpu=None, memory=512)

    assert "measurements are of Lambda" in _reason(hosting, Goal(rate=1), measured=size)


def test_what_environments_share_limits_lambda_where_that_was_measured() -> None:
    size = Size(hosting=Hosting.LAMBDA, cpu=None, memory=512)

    reached = _reached(Hosting.LAMBDA, Goal(rate=90), measured=size)

    assert reached.settings["memory"] == 512
    assert reached.prediction == predict_rate(_INSTANCE, 90)
    assert "answers 143 calls" in _reason(Hosting.LAMBDA, Goal(rate=200), measured=size)
