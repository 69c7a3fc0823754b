"""Fits the model to measurements, and predicts those that it wasn't fitted to. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

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
_OVERLOADED: Final = 2.0
"""The error of a level at which the model is overloaded, which was measured after all."""
_OUTLIER: Final = 0.15
"""Errors beyond this weigh less, so that a level that was disturbed doesn't decide."""
_BETTER: Final = 0.5
"""How much smaller errors must be for more servers to be believed than for fewer, as a share."""
_STEP: Final = 1e-3
"""By how much a number is changed to see what that changes, as a share of it."""
_MOST_STEPS: Final = 60
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
    best = _fit(measured, _SERVERS[0])
    for servers in _SERVERS[1:]:
        found = _fit(measured, servers)
        if found.error > best.error * _BETTER:
            break
        best = found
    return best.parameters


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


class _Axis(NamedTuple):
    """A number that is fitted.

    Attributes:
        first: where the search starts.
        least: its lowest value.
        most: its highest value.
        scale: by how much it usually differs.
        usual: what it is taken for where the measurements don't show it.
        pull: how much a difference of `scale` from that weighs, as an error of a level's logarithm.
    """

    first: float
    least: float
    most: float
    scale: float
    usual: float = 0.0
    pull: float = 0.0


class _Fit(NamedTuple):
    """Parameters, with the sum of the squares of what is left of the levels' errors."""

    parameters: Parameters
    error: float


def _fit(measured: _Measured, servers: int) -> _Fit:
    """Fit the parameters for a number of calls that are worked on at once."""
    from scipy.optimize import least_squares  # noqa: PLC0415 - it takes half a second

    axes = _axes(measured, servers)

    def errors(values: Sequence[float]) -> list[float]:
        parameters = _parameters(values, servers)
        pulls = (
            (value - axis.usual) / axis.scale * axis.pull
            for value, axis in zip(values, axes, strict=True)
        )
        return [*_errors(parameters, measured), *pulls]

    found = least_squares(
        errors,
        [axis.first for axis in axes],
        bounds=([axis.least for axis in axes], [axis.most for axis in axes]),
        x_scale=[axis.scale for axis in axes],
        diff_step=_STEP,
        loss="soft_l1",
        f_scale=_OUTLIER,
        max_nfev=_MOST_STEPS,
    )
    parameters = _parameters(found.x.tolist(), servers)
    return _Fit(parameters, math.fsum(each**2 for each in _errors(parameters, measured)))


def _axes(measured: _Measured, servers: int) -> Sequence[_Axis]:
    """Return what is fitted, in the order of `_parameters`."""
    fastest = min(sample.mean for _, sample in measured)
    service = min(servers / max(sample.throughput for _, sample in measured), fastest)
    delay = max(fastest - service, fastest / 10)
    seconds = math.log(1e-6), math.log(1e3)
    spread = _Axis(math.log(0.3), math.log(0.01), math.log(3.0), 0.3, math.log(0.25), 0.02)
    return (
        _Axis(math.log(delay), *seconds, 0.3),
        _Axis(math.log(service), *seconds, 0.3),
        _Axis(0.0, -0.75, 0.35, 0.2, pull=0.06),
        _Axis(0.2, 0.0, 3.0, 0.5, pull=0.05),
        _Axis(0.02, 0.0, 0.4, 0.03, pull=0.01),
        _Axis(math.log(0.04), math.log(1e-3), math.log(2.0), 0.5, math.log(0.04), 0.05),
        spread,
        spread,
    )


def _parameters(values: Sequence[float], servers: int) -> Parameters:
    delay, service, scaling, waking, paused, pause, spread, busy_spread = values
    found = Parameters(
        delay=math.exp(delay),
        service=math.exp(service),
        servers=servers,
        scaling=scaling,
        paused=paused,
        pause=math.exp(pause),
        spread=math.exp(spread),
        busy_spread=math.exp(busy_spread),
    )
    return replace(found, waking=waking * found.alone)


def _errors(parameters: Parameters, measured: _Measured) -> Iterator[float]:
    for level, sample in measured:
        found = predict(parameters, level)
        if found is None:
            yield from (_OVERLOADED,) * 3
            continue
        yield math.log(found.mean / sample.mean)
        yield math.log(found.percentile(_HALF) / sample.p50)
        yield math.log(found.percentile(_MOST) / sample.p95)
