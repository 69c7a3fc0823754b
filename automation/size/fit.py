"""Fits the model to measurements, and predicts those that it wasn't fitted to. Pure."""

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from automation.errors import AutomationError
from automation.size.measurements import Calibration, Level, Sample
from automation.size.model import (
    OverloadError,
    Parameters,
    Prediction,
    predict_callers,
    predict_rate,
)

_SERVERS: Final = (1, 2, 3, 4, 6, 8, 12)
_FEWEST_LEVELS: Final = 4
_FIRST_STEP: Final = 0.5
_ROUGH_STEP: Final = 0.1
_LAST_STEP: Final = 0.005
_UNKNOWN: Final = 4.0
"""The squared error of a level at which the model is overloaded, which was measured after all."""
_FIRST_SPREAD: Final = math.log(0.3)
_SAME_SPREAD: Final = 0.02
"""How much a difference between the spreads weighs, so that it is none where nothing shows any."""
_REFINED: Final = 3
_SHORTEST: Final = math.log(1e-6)
_SLOWDOWN_UNIT: Final = 0.01
_HALF: Final = 0.5
_MOST: Final = 0.95


class FitError(AutomationError):
    """The measurements are too few for a model; the message says which are missing."""


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """How far a prediction is off, as shares of what was measured.

    Attributes:
        noise: how far the measurements of the level differ among themselves.
    """

    level: Level
    prediction: Prediction | None
    throughput: float
    mean: float
    p50: float
    p95: float
    noise: float

    @property
    def largest(self) -> float:
        """The largest one, without its sign."""
        return max(map(abs, (self.throughput, self.mean, self.p50, self.p95)))


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


def cross_validate(levels: Sequence[Level]) -> Iterator[Deviation]:
    """Predict each level with a model that is fitted to the others.

    The lowest and the highest numbers of callers and rates are predicted beyond what the model
    knows.
    """
    for level in levels:
        parameters = fit([each for each in levels if each is not level])
        yield _deviation(parameters, level)


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
            noise=level.noise,
        )
    return Deviation(
        level=level,
        prediction=found,
        throughput=found.throughput / sample.throughput - 1,
        mean=found.mean / sample.mean - 1,
        p50=found.percentile(_HALF) / sample.p50 - 1,
        p95=found.percentile(_MOST) / sample.p95 - 1,
        noise=level.noise,
    )


_Measured = Sequence[tuple[Level, Sample]]


def _first(measured: _Measured, servers: int) -> Parameters:
    fastest = min(sample.mean for _, sample in measured)
    service = min(servers / max(sample.throughput for _, sample in measured), fastest)
    delay = max(fastest - service, fastest / 10)
    return Parameters(delay=delay, service=service, servers=servers)


def _fit_means(measured: _Measured, start: Parameters, last_step: float) -> Parameters:
    def parameters(delay: float, service: float, slowdown: float) -> Parameters:
        return replace(
            start,
            delay=math.exp(delay),
            service=math.exp(service),
            slowdown=slowdown * _SLOWDOWN_UNIT,
        )

    best = _search(
        lambda values: _mean_loss(measured, parameters(*values)),
        (math.log(start.delay), math.log(start.service), start.slowdown / _SLOWDOWN_UNIT),
        least=(_SHORTEST, _SHORTEST, 0.0),
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

    return parameters(*_search(loss, (_FIRST_SPREAD, _FIRST_SPREAD), last_step=_LAST_STEP))


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


def _search(
    loss: Callable[[Sequence[float]], float],
    start: Sequence[float],
    *,
    last_step: float,
    least: Sequence[float] | None = None,
) -> Sequence[float]:
    """Find a minimum by steps along the axes, then along what they found (Hooke and Jeeves).

    Args:
        last_step: the length of the shortest step.
        least: the lowest value on each axis.
    """
    lowest = least or [-math.inf] * len(start)
    best, found, step = start, loss(start), _FIRST_STEP
    while step > last_step:
        around, lower = _explore(loss, best, found, step, lowest)
        if lower == found:
            step /= 2
            continue
        while lower < found:
            further = [
                max(2 * new - old, limit)
                for new, old, limit in zip(around, best, lowest, strict=True)
            ]
            best, found = around, lower
            around, lower = _explore(loss, further, loss(further), step, lowest)
    return best


def _explore(
    loss: Callable[[Sequence[float]], float],
    start: Sequence[float],
    found: float,
    step: float,
    lowest: Sequence[float],
) -> tuple[Sequence[float], float]:
    best = list(start)
    for axis, direction in itertools.product(range(len(best)), (step, -step)):
        tried = [*best]
        tried[axis] = max(tried[axis] + direction, lowest[axis])
        lower = loss(tried)
        if lower < found:
            best, found = tried, lower
    return best, found
