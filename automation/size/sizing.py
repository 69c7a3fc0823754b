"""Finds the settings with which a host reaches a goal. Pure."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from automation.cost.estimate import Line, Total, estimate_host
from automation.cost.hosts import AppRunner, Fargate, Host, Lambda
from automation.cost.usage import Load
from automation.size.measurements import Size
from automation.size.model import OverloadError, Parameters, Prediction, predict_rate
from components.hosting.apprunner.settings import SIZES as APP_RUNNER_SIZES
from components.hosting.fargate.settings import SIZES as FARGATE_SIZES
from components.hosting.lambda_.settings import LambdaSettings
from components.settings import Hosting

# Source: apprunner AutoScalingConfiguration.
_MOST_APP_RUNNER: Final = 25
_MOST_CONCURRENCY: Final = 200
# Source: "Quotas for your Application Load Balancers", targets per target group.
_MOST_TASKS: Final = 1000
# The most that maxInstances can be.
_MOST_ENVIRONMENTS: Final = 1000
# Source: "Configure Lambda function memory" in the AWS Lambda Developer Guide.
_MEGABYTES_PER_VCPU: Final = 1769
_LEAST_MEMORY, _MOST_MEMORY = 128, 10_240
_CPU_UNITS: Final = 1024
_MINUTE: Final = 60
_RARELY: Final = 0.999
# Enough for `automation check`, as the default of Lambda's maxInstances.
_AT_ONCE: Final = LambdaSettings().max_instances
_PRECISION: Final = 1e-3
_QUIET: Final = 1e-3
"""The share of the capacity at which calls practically never meet."""
_SPARE: Final = 1.5
"""How many times as many instances may be started as are needed."""
_HALF, _MOST = 0.5, 0.95


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What callers should get.

    Attributes:
        rate: calls per second of all callers together, at random times.
        p50: the longest median of the latency, in seconds; None for any.
        p95: the same for the 95th percentile.
        utilization: how busy an instance may be on average, as a share of what it can answer.
    """

    rate: float
    p50: float | None = None
    p95: float | None = None
    utilization: float = 0.7

    def problem(self, prediction: Prediction) -> str | None:
        """Return which part of the goal a prediction misses; None if it reaches all."""
        if prediction.utilization > self.utilization:
            return f"it would be busy for {prediction.utilization:.0%} of the time"
        for name, share, limit in (("p50", _HALF, self.p50), ("p95", _MOST, self.p95)):
            if limit is not None and prediction.percentile(share) > limit:
                return f"{name} would be {prediction.percentile(share) * 1000:.3g} ms"
        return None


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """A host's settings for a goal.

    Attributes:
        host: the host with these settings, as its cost is estimated.
        settings: configuration keys and values.
        prediction: of one instance.
        instances: how many share the calls.
        lines: what the host alone costs.
    """

    host: Host
    settings: Mapping[str, int]
    prediction: Prediction
    instances: int
    lines: tuple[Line, ...]

    @property
    def usd(self) -> Decimal:
        """What the host alone costs in a month at the goal's rate, in US dollars."""
        return Total.of(self.lines).loaded


@dataclass(frozen=True, kw_only=True)
class Unreachable:
    """A host that can't reach the goal.

    Attributes:
        reason: why, and what would help.
    """

    hosting: Hosting
    reason: str


def size_hosts(
    parameters: Parameters, measured: Size, goal: Goal, hostings: Iterable[Hosting]
) -> Iterator[Sizing | Unreachable]:
    """Find the settings of each host.

    Args:
        parameters: of an instance of the measured size.
    """
    for hosting in hostings:
        if hosting is Hosting.LAMBDA:
            yield _size_lambda(parameters, measured, goal)
        else:
            yield _size_instances(parameters, measured, goal, hosting)


def largest_rate(parameters: Parameters, goal: Goal) -> float:
    """Return how many calls per second one instance can answer within a goal; 0 if none."""
    low, high = 0.0, parameters.capacity
    if _problem(parameters, goal, high * _QUIET):
        return 0.0
    while high - low > _PRECISION * parameters.capacity:
        middle = (low + high) / 2
        low, high = (low, middle) if _problem(parameters, goal, middle) else (middle, high)
    return low


def _problem(parameters: Parameters, goal: Goal, rate: float) -> str | None:
    try:
        return goal.problem(predict_rate(parameters, rate))
    except OverloadError as error:
        return str(error)


def _size_instances(
    parameters: Parameters, measured: Size, goal: Goal, hosting: Hosting
) -> Sizing | Unreachable:
    if measured.cpu is None:
        return Unreachable(
            hosting=hosting,
            reason="the measurements are of Lambda, which doesn't show what an instance for several"
            " calls can do. Measure a stack with one instance",
        )
    each = largest_rate(parameters, goal)
    if not each:
        return Unreachable(hosting=hosting, reason=_alone(parameters, goal))
    needed = math.ceil(goal.rate / each)
    most = _MOST_APP_RUNNER if hosting is Hosting.APP_RUNNER else _MOST_TASKS
    if needed > most:
        return Unreachable(
            hosting=hosting,
            reason=f"it needs {needed} instances of {measured}, and can have {most}. One of them"
            f" reaches the goal at up to {each:.3g} calls per second",
        )
    prediction = predict_rate(parameters, goal.rate / needed)
    instances = {
        "cpu": measured.cpu,
        "memory": _memory(hosting, measured),
        "minInstances": needed,
        "maxInstances": min(most, math.ceil(needed * _SPARE)),
    }
    if hosting is Hosting.APP_RUNNER:
        concurrency = _poisson_quantile(predict_rate(parameters, each).concurrency, _RARELY)
        least = math.ceil(_AT_ONCE / instances["maxInstances"])
        own = {"maxConcurrency": min(max(concurrency, least), _MOST_CONCURRENCY)}
    else:
        own = {"requestsPerTarget": math.floor(each * _MINUTE)}
    settings = instances | own
    host = _app_runner(settings) if hosting is Hosting.APP_RUNNER else _fargate(settings)
    return Sizing(
        host=host,
        settings=settings,
        prediction=prediction,
        instances=needed,
        lines=_cost(host, goal, prediction),
    )


def _size_lambda(parameters: Parameters, measured: Size, goal: Goal) -> Sizing | Unreachable:
    # An environment has one call at a time, so none waits for another in it. What environments
    # share, the database, limits the rate only in measurements of Lambda.
    shared = measured.hosting is Hosting.LAMBDA
    try:
        prediction = predict_rate(parameters, goal.rate if shared else parameters.capacity * _QUIET)
    except OverloadError:
        return Unreachable(
            hosting=Hosting.LAMBDA,
            reason=f"what all environments share answers {parameters.capacity:.3g} calls per second"
            " at most",
        )
    problem = goal.problem(prediction)
    if problem:
        alone = _alone(parameters, goal) if not shared else problem
        return Unreachable(hosting=Hosting.LAMBDA, reason=alone)
    usual = _poisson_quantile(goal.rate * prediction.mean, _RARELY)
    environments = max(usual, _AT_ONCE)
    if environments > _MOST_ENVIRONMENTS:
        return Unreachable(
            hosting=Hosting.LAMBDA,
            reason=f"it needs {environments} environments, and can have {_MOST_ENVIRONMENTS}",
        )
    memory = measured.memory if measured.cpu is None else _lambda_memory(measured.cpu)
    default = Lambda.by_default(edge=False)
    host = replace(default, memory=memory, most=environments)
    return Sizing(
        host=host,
        settings={"memory": memory, "maxInstances": environments},
        prediction=prediction,
        instances=environments,
        lines=_cost(host, goal, prediction),
    )


def _alone(parameters: Parameters, goal: Goal) -> str:
    problem = _problem(parameters, goal, parameters.capacity * _QUIET)
    return (
        f"{problem} even if calls never met. More instances don't help: the calls, the database or"
        " the way to it have to be faster"
    )


def _poisson_quantile(mean: float, share: float) -> int:
    """Return how many calls are under way at most, for a share of the time."""
    total = 0.0
    for number in itertools.count():
        total += math.exp(number * math.log(mean) - mean - math.lgamma(number + 1))
        if total >= share:
            break
    return number


def _memory(hosting: Hosting, measured: Size) -> int:
    """Return the least memory that a host offers with the measured CPU, from what was measured."""
    sizes = APP_RUNNER_SIZES if hosting is Hosting.APP_RUNNER else FARGATE_SIZES
    offered = sizes[measured.cpu or 0]
    return next((each for each in offered if each >= measured.memory), offered[-1])


def _lambda_memory(cpu: int) -> int:
    """Return the memory with which Lambda assigns as much of a processor."""
    memory = math.ceil(_MEGABYTES_PER_VCPU * cpu / _CPU_UNITS)
    return max(_LEAST_MEMORY, min(memory, _MOST_MEMORY))


def _app_runner(settings: Mapping[str, int]) -> Host:
    return replace(
        AppRunner.by_default(edge=False),
        cpu=settings["cpu"],
        memory=settings["memory"],
        fewest=settings["minInstances"],
        most=settings["maxInstances"],
        concurrency=settings["maxConcurrency"],
    )


def _fargate(settings: Mapping[str, int]) -> Host:
    # With the edge alone: a public load balancer needs a domain of the reader's.
    return replace(
        Fargate.by_default(edge=True),
        cpu=settings["cpu"],
        memory=settings["memory"],
        fewest=settings["minInstances"],
        most=settings["maxInstances"],
        requests_per_target=settings["requestsPerTarget"],
    )


def _cost(host: Host, goal: Goal, prediction: Prediction) -> tuple[Line, ...]:
    load = Load(calls_per_second=_decimal(goal.rate), seconds_per_call=_decimal(prediction.mean))
    return estimate_host(host, load)


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.6g}")
