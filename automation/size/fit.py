"""Fits the model to measurements, and predicts those that it wasn't fitted to. Pure."""

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from automation.checks.results import Outcome
from automation.errors import AutomationError
from automation.size.measurements import Calibration, Level, Sample
from automation.size.model import (
    OverloadError,
    Parameters,
    Prediction,
    predict_callers,
    predict_rate,
)

TOLERANCE: Final = 0.15
"""How far a prediction may be off, as a share."""
_SERVERS: Final = (1, 2, 3, 4, 6, 8)
_FEWEST_LEVELS: Final = 4
_FIRST_STEP: Final = 0.5
_ROUGH_STEP: Final = 0.2
_LAST_STEP: Final = 0.01
_UNKNOWN: Final = 4.0
"""The squared error of a level at which the model is overloaded, which was measured after all."""
_FIRST_SPREAD: Final = math.log(0.3)
_SAME_SPREAD: Final = 0.02
"""How much a difference between the spreads weighs, so that it is none where nothing shows any."""
_NO_WAKING: Final = 0.02
"""The same for the time of waking, as a share of what a call takes alone."""
_REFINED: Final = 3
_SECONDS: Final = (math.log(1e-6), math.log(1e3))
_SCALING: Final = (-0.75, 0.35)
_WAKING: Final = (0.0, 3.0)
"""As a share of what a call takes alone."""
_SPREAD: Final = (math.log(0.01), math.log(3.0))
_HALF: Final = 0.5
_MOST: Final = 0.95


class FitError(AutomationError):
    """The measurements are too few for a model; the message says which are missing."""


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """How far a prediction is off, as shares of what was measured.

    Attributes:
        prediction: None if the model can't answer as many calls.
    """

    level: Level
    prediction: Prediction | None
    throughput: float
    mean: float
    p50: float
    p95: float

    @property
    def largest(self) -> float:
        """The largest one, without its sign."""
        return max(map(abs, (self.throughput, self.mean, self.p50, self.p95)))


@dataclass(frozen=True, kw_only=True)
class Validation:
    """Predictions of levels that the model wasn't fitted to.

    Attributes:
        uncertainty: the largest standard error of a level, as a share of what was measured.
    """

    deviations: tuple[Deviation, ...]
    uncertainty: float

    @property
    def outcome(self) -> Outcome:
        """Whether the predictions are close enough, if the measurements can show it."""
        if all(each.largest <= TOLERANCE for each in self.deviations):
            return Outcome.PASSED
        # Two standard errors are as much as a prediction may be off.
        return Outcome.UNDECIDED if 2 * self.uncertainty > TOLERANCE else Outcome.FAILED

    def __str__(self) -> str:
        """Describe the outcome in a sentence."""
        largest = max(each.largest for each in self.deviations)
        match self.outcome:
            case Outcome.PASSED:
                return f"No prediction is off by more than {largest:.0%}."
            case Outcome.FAILED:
                return (
                    f"Predictions are off by up to {largest:.0%}, and may be by {TOLERANCE:.0%}:"
                    " the model doesn't describe this stack."
                )
            case _:
                return (
                    f"Predictions are off by up to {largest:.0%}, but the rounds differ too much to"
                    f" judge that: a median is uncertain by up to ±{self.uncertainty:.0%}. Measure"
                    " again with more --rounds, while nothing else uses the machine or the stack."
                )


def fit(levels: Sequence[Level]) -> Parameters:
    """Find the parameters with which the model predicts the levels best.

    Args:
        levels: different amounts of load on one instance.

    Raises:
        FitError: they are too few.
    """
    if len(levels) < _FEWEST_LEVELS:
        raise FitError(
            f"A model needs {_FEWEST_LEVELS} levels of load or more, and there are {len(levels)}."
            " Measure again: python -m automation size --calibrate --stack <stack>"
        )
    measured = [(level, level.middle) for level in levels]

    def loss(parameters: Parameters) -> float:
        return _mean_loss(measured, parameters)

    rough = [_fit_means(measured, _first(measured, each), _ROUGH_STEP) for each in _SERVERS]
    closest = heapq.nsmallest(_REFINED, rough, key=loss)
    means = min((_fit_means(measured, each, _LAST_STEP) for each in closest), key=loss)
    return _fit_spread(measured, means)


def deviations(parameters: Parameters, levels: Sequence[Level]) -> Iterator[Deviation]:
    """Compare the model with the levels."""
    return (_deviation(parameters, level) for level in levels)


def cross_validate(levels: Sequence[Level]) -> Validation:
    """Predict each level with a model that is fitted to the others.

    The least and the most callers are always fitted to: what lies outside isn't predicted.
    """
    callers = [each.callers for each in levels if each.callers]
    inside = (
        level
        for level in levels
        if level.callers is None or min(callers) < level.callers < max(callers)
    )
    return Validation(
        deviations=tuple(
            _deviation(fit([each for each in levels if each is not level]), level)
            for level in inside
        ),
        uncertainty=max(each.uncertainty for each in levels),
    )


def with_mix(
    parameters: Parameters, calibration: Calibration, mix: Mapping[str, int]
) -> Parameters:
    """Return the parameters for other proportions of the kinds of calls that were measured.

    Args:
        mix: the weights of the kinds.

    Raises:
        FitError: a kind wasn't measured.
    """
    calm = min((each.middle for each in calibration.levels), key=lambda each: each.mean).kinds
    if missing := ", ".join(sorted(set(mix) - set(calm))):
        raise FitError(
            f"The measurements have no calls named {missing}, only: {', '.join(calm)}. Measure"
            " them: python -m automation size --calibrate --stack <stack> --mix <file>"
        )
    scale = _average(calm, mix) / _average(calm, calibration.mix)
    return replace(parameters, delay=parameters.delay * scale, service=parameters.service * scale)


def predict(parameters: Parameters, level: Level) -> Prediction | None:
    """Predict a level; None if it is more than the model's instance can answer."""
    if level.callers is not None:
        return predict_callers(parameters, level.callers)
    try:
        return predict_rate(parameters, level.rate or 0.0)
    except OverloadError:
        return None


def _average(seconds: Mapping[str, float], weights: Mapping[str, int]) -> float:
    return sum(seconds[name] * weight for name, weight in weights.items()) / sum(weights.values())


def _deviation(parameters: Parameters, level: Level) -> Deviation:
    found, sample = predict(parameters, level), level.middle
    if found is None:
        unknown = math.inf
        return Deviation(
            level=level,
            prediction=None,
            throughput=unknown,
            mean=unknown,
            p50=unknown,
            p95=unknown,
        )
    return Deviation(
        level=level,
        prediction=found,
        throughput=found.throughput / sample.throughput - 1,
        mean=found.mean / sample.mean - 1,
        p50=found.percentile(_HALF) / sample.p50 - 1,
        p95=found.percentile(_MOST) / sample.p95 - 1,
    )


_Measured = Sequence[tuple[Level, Sample]]


def _first(measured: _Measured, servers: int) -> Parameters:
    fastest = min(sample.mean for _, sample in measured)
    service = min(servers / max(sample.throughput for _, sample in measured), fastest)
    delay = max(fastest - service, fastest / 10)
    return Parameters(delay=delay, service=service, servers=servers)


def _fit_means(measured: _Measured, start: Parameters, last_step: float) -> Parameters:
    alone = start.alone

    def parameters(delay: float, service: float, scaling: float, waking: float) -> Parameters:
        return replace(
            start,
            delay=math.exp(delay),
            service=math.exp(service),
            scaling=scaling,
            waking=waking * alone,
        )

    best = _search(
        lambda values: _mean_loss(measured, parameters(*values)) + _NO_WAKING * values[-1] ** 2,
        (
            math.log(start.delay),
            math.log(start.service),
            start.scaling,
            start.waking / alone,
        ),
        bounds=(_SECONDS, _SECONDS, _SCALING, _WAKING),
        last_step=last_step,
    )
    return parameters(*best)


def _mean_loss(measured: _Measured, parameters: Parameters) -> float:
    return sum(
        _UNKNOWN if found is None else math.log(found.mean / sample.mean) ** 2
        for found, sample in _predicted(measured, parameters)
    )


def _fit_spread(measured: _Measured, means: Parameters) -> Parameters:
    # The spread changes neither the means nor how many calls there are.
    predicted = [each for each in _predicted(measured, means) if each[0] is not None]

    def parameters(spread: float, busy_spread: float) -> Parameters:
        return replace(means, spread=math.exp(spread), busy_spread=math.exp(busy_spread))

    def loss(values: Sequence[float]) -> float:
        changed = parameters(*values)
        difference = values[0] - values[1]
        return _SAME_SPREAD * difference**2 + sum(
            _percentile_loss(replace(found, parameters=changed), sample)
            for found, sample in predicted
            if found is not None
        )

    return parameters(
        *_search(
            loss, (_FIRST_SPREAD, _FIRST_SPREAD), last_step=_LAST_STEP, bounds=(_SPREAD, _SPREAD)
        )
    )


def _percentile_loss(found: Prediction, sample: Sample) -> float:
    # Relative to the mean, whose error doesn't count twice.
    return sum(
        math.log(found.percentile(share) / found.mean * sample.mean / percentile) ** 2
        for share, percentile in ((_HALF, sample.p50), (_MOST, sample.p95))
    )


def _predicted(
    measured: _Measured, parameters: Parameters
) -> Iterator[tuple[Prediction | None, Sample]]:
    return ((predict(parameters, level), sample) for level, sample in measured)


_Bounds = Sequence[tuple[float, float]]


def _search(
    loss: Callable[[Sequence[float]], float],
    start: Sequence[float],
    *,
    last_step: float,
    bounds: _Bounds,
) -> Sequence[float]:
    """Find a minimum by steps along the axes, then along what they found (Hooke and Jeeves).

    Args:
        last_step: the length of the shortest step.
        bounds: the lowest and the highest value on each axis.
    """
    best, found, step = start, loss(start), _FIRST_STEP
    while step > last_step:
        around, lower = _explore(loss, best, found, step, bounds)
        if lower == found:
            step /= 2
            continue
        while lower < found:
            further = [
                _within(2 * new - old, limits)
                for new, old, limits in zip(around, best, bounds, strict=True)
            ]
            best, found = around, lower
            around, lower = _explore(loss, further, loss(further), step, bounds)
    return best


def _explore(
    loss: Callable[[Sequence[float]], float],
    start: Sequence[float],
    found: float,
    step: float,
    bounds: _Bounds,
) -> tuple[Sequence[float], float]:
    best = list(start)
    for axis, direction in itertools.product(range(len(best)), (step, -step)):
        tried = [*best]
        tried[axis] = _within(tried[axis] + direction, bounds[axis])
        lower = loss(tried)
        if lower < found:
            best, found = tried, lower
    return best, found


def _within(value: float, limits: tuple[float, float]) -> float:
    least, most = limits
    return max(least, min(value, most))
