"""Decides an alarm's state from the values of its metric. Pure.

Sources: "Evaluating an alarm", "Configuring how CloudWatch alarms treat missing data" and
"Percentile-based CloudWatch alarms and low data samples" in the user guide.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from localcloud.aws.cloudwatch.states import State

EXTRA_PERIODS: Final = 2
"""How many periods are read in addition to the evaluation periods.

AWS documents an evaluation range of 5 periods for 3 evaluation periods, and no other.
"""

_COMPARISONS: Final[Mapping[str, tuple[Callable[[float, float], bool], str]]] = {
    "GreaterThanOrEqualToThreshold": (float.__ge__, "greater than or equal to"),
    "GreaterThanThreshold": (float.__gt__, "greater than"),
    "LessThanThreshold": (float.__lt__, "less than"),
    "LessThanOrEqualToThreshold": (float.__le__, "less than or equal to"),
}
COMPARISONS: Final = frozenset(_COMPARISONS)


class Missing(StrEnum):
    """How missing data points are treated."""

    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"
    IGNORE = "ignore"
    MISSING = "missing"


_TREATED_AS: Final = {Missing.BREACHING: "Breaching", Missing.NOT_BREACHING: "NonBreaching"}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When an alarm is in the state ALARM.

    Attributes:
        comparison: a ComparisonOperator.
        threshold: what values are compared with.
        periods: the number of periods that are evaluated (N).
        breaching: how many of them must breach the threshold (M).
        missing: how missing data points are treated.
        enough_values: the number of values below which the state isn't changed; 0 for any number.
    """

    comparison: str
    threshold: float
    periods: int
    breaching: int
    missing: Missing
    enough_values: float = 0

    def breaches(self, value: float) -> bool:
        """Return whether a value breaches the threshold."""
        return _COMPARISONS[self.comparison][0](value, self.threshold)


@dataclass(frozen=True, kw_only=True)
class Point:
    """The value of a period.

    Attributes:
        start: the period's start, in seconds since the epoch.
        value: the value; None if it is missing.
        samples: how many values it was calculated from; None where that isn't known.
    """

    start: float
    value: float | None
    samples: float | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """An alarm's state.

    Attributes:
        state: the state; None if it doesn't change.
        evaluated: the data points that decided, newest first.
        filled: how many missing data points were treated as the rule says.
    """

    state: State | None
    evaluated: Sequence[Point] = ()
    filled: int = 0


def evaluate(points: Sequence[Point], rule: Rule) -> Verdict:
    """Return an alarm's state.

    Args:
        points: the periods of the evaluation range, oldest first.
        rule: the alarm's rule.
    """
    existing = [point for point in reversed(points) if point.value is not None]
    evaluated = existing[: rule.periods]
    missing = rule.periods - len(evaluated)
    breaching = sum(_breaches(point, rule) for point in evaluated)
    if evaluated and sum(point.samples or 0 for point in evaluated) < rule.enough_values:
        state = None
    elif not evaluated:
        state = _without_data(rule.missing)
    elif rule.missing is Missing.BREACHING:
        state = _state(breaching + missing, rule)
    elif (
        rule.missing is not Missing.NOT_BREACHING
        and missing
        and breaching < rule.breaching
        and breaching == len(evaluated)
    ):
        state = _premature(points, rule)
    else:
        state = _state(breaching, rule)
    return Verdict(state=state, evaluated=evaluated, filled=missing)


def reason(verdict: Verdict, rule: Rule, before: State) -> str:
    """Explain a verdict in AWS's words.

    Args:
        verdict: the verdict, with a state.
        rule: the alarm's rule.
        before: the state before it.
    """
    if verdict.state is State.INSUFFICIENT_DATA:
        return f"Insufficient Data: {_counted(verdict.filled)} {_were(verdict.filled)} unknown."
    treated = ""
    if verdict.filled and rule.missing in _TREATED_AS:
        treated = (
            f"{verdict.filled} missing {_points(verdict.filled)} {_were(verdict.filled)} treated as"
            f" [{_TREATED_AS[rule.missing]}]"
        )
    if not verdict.evaluated:
        plural = "" if rule.periods == 1 else "s"
        return (
            f"Threshold Crossed: no datapoints were received for {rule.periods} period{plural} and"
            f" {treated}."
        )
    negation = "" if verdict.state is State.ALARM else "not "
    shown = [
        point
        for point in verdict.evaluated
        if _breaches(point, rule) == (verdict.state is State.ALARM)
    ]
    listed = ", ".join(f"{_number(point.value)} ({_time(point.start)})" for point in shown)
    least = rule.breaching if verdict.state is State.ALARM else rule.periods - rule.breaching + 1
    return (
        f"Threshold Crossed: {len(shown)} out of the last {rule.periods} datapoints [{listed}]"
        f" {_were(len(shown))} {negation}{_COMPARISONS[rule.comparison][1]} the threshold"
        f" ({_number(rule.threshold)})"
        + (f" and {treated}" if treated else "")
        + f" (minimum {_counted(least)} for {before} -> {verdict.state} transition)."
    )


def _state(breaching: int, rule: Rule) -> State:
    return State.ALARM if breaching >= rule.breaching else State.OK


def _without_data(missing: Missing) -> State | None:
    return {
        Missing.BREACHING: State.ALARM,
        Missing.NOT_BREACHING: State.OK,
        Missing.IGNORE: None,
        Missing.MISSING: State.INSUFFICIENT_DATA,
    }[missing]


def _premature(points: Sequence[Point], rule: Rule) -> State | None:
    """Decide where all existing data points breach, but are fewer than needed.

    The alarm waits for data points that might not breach, until the oldest is as old as the number
    that is needed ("Avoiding premature transitions to alarm state").
    """
    age = max(len(points) - index for index, point in enumerate(points) if point.value is not None)
    is_old = age >= rule.breaching
    return State.ALARM if is_old and rule.missing is Missing.MISSING else None


def _breaches(point: Point, rule: Rule) -> bool:
    return point.value is not None and rule.breaches(float(point.value))


def _number(value: float | None) -> str:
    return str(float(value or 0))


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%d/%m/%y %H:%M:%S")


def _points(count: int) -> str:
    return "datapoint" if count == 1 else "datapoints"


def _counted(count: int) -> str:
    return f"{count} {_points(count)}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
