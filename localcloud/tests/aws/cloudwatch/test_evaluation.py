"""The states of alarms, with the examples of AWS's user guide.

In the examples, 0 doesn't breach the threshold, X does, and - is missing. "keep" is the current
state.
"""

import datetime as dt

import pytest

from localcloud.aws.cloudwatch.evaluation import (
    EXTRA_PERIODS,
    Missing,
    Point,
    Rule,
    Verdict,
    evaluate,
    reason,
)
from localcloud.aws.cloudwatch.states import State
from localcloud.aws.movable_clock import MINUTE

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC).timestamp()
VALUES = {"0": 0.0, "X": 9.0, "-": None}
TREATMENTS = (Missing.MISSING, Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)
NAMES = {"INSUFFICIENT": State.INSUFFICIENT_DATA, "ALARM": State.ALARM, "OK": State.OK}


def rule(
    *,
    periods: int = 3,
    breaching: int = 3,
    missing: Missing = Missing.MISSING,
    enough_values: float = 0,
) -> Rule:
    return Rule(
        comparison="GreaterThanThreshold",
        threshold=5,
        periods=periods,
        breaching=breaching,
        missing=missing,
        enough_values=enough_values,
    )


def points(text: str, samples: float | None = None) -> list[Point]:
    """Return the data points of an example, one minute each, the newest from noon on."""
    symbols = text.split()
    return [
        Point(
            start=NOON - (len(symbols) - 1 - index) * MINUTE,
            value=VALUES[symbol],
            samples=samples if symbol != "-" else None,
        )
        for index, symbol in enumerate(symbols)
    ]


def verdict(text: str, given: Rule) -> Verdict:
    return evaluate(points(text), given)


@pytest.mark.parametrize(
    ("text", "filled", "states"),
    [
        ("0 - X - X", 0, "OK OK OK OK"),
        ("0 - - - -", 2, "OK OK OK OK"),
        ("- - - - -", 3, "INSUFFICIENT keep ALARM OK"),
        ("0 X X - X", 0, "ALARM ALARM ALARM ALARM"),
        ("- - X - -", 2, "ALARM keep ALARM OK"),
    ],
)
def test_documented_example_of_3_out_of_3(text: str, filled: int, states: str) -> None:
    found = [verdict(text, rule(missing=each)) for each in TREATMENTS]
    assert [each.state for each in found] == [NAMES.get(each) for each in states.split()]
    assert {each.filled for each in found} == {filled}


@pytest.mark.parametrize(
    ("text", "filled", "states"),
    [
        ("0 - X - X", 0, "ALARM ALARM ALARM ALARM"),
        ("0 0 X 0 X", 0, "ALARM ALARM ALARM ALARM"),
        ("0 - X - -", 1, "OK OK ALARM OK"),
        ("- - - - 0", 2, "OK OK ALARM OK"),
        ("- - - X -", 2, "ALARM keep ALARM OK"),
    ],
)
def test_documented_example_of_2_out_of_3(text: str, filled: int, states: str) -> None:
    found = [verdict(text, rule(breaching=2, missing=each)) for each in TREATMENTS]
    assert [each.state for each in found] == [NAMES.get(each) for each in states.split()]
    # The table has 1 and 2 missing data points where 0 - X - - has 2 values and 3 are needed.
    assert {each.filled for each in found} == {filled}


@pytest.mark.parametrize("text", ["- - - - X", "- - - X -"])
def test_an_alarm_waits_for_values_that_might_not_breach(text: str) -> None:
    assert verdict(text, rule()).state is None


@pytest.mark.parametrize("text", ["- - - X 0", "- - X - 0"])
def test_a_value_that_does_not_breach_after_one_that_does_is_ok(text: str) -> None:
    assert verdict(text, rule()).state is State.OK


@pytest.mark.parametrize("text", ["- X - - -", "X - - - -", "- - X - X"])
def test_an_alarm_stays_until_the_last_breaching_value_leaves_the_range(text: str) -> None:
    assert verdict(text, rule()).state is State.ALARM


def test_only_the_newest_values_are_evaluated() -> None:
    assert verdict("X X 0 0 0", rule(breaching=1)).state is State.OK
    assert verdict("0 0 X 0 0", rule(breaching=1)).state is State.ALARM


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanOrEqualToThreshold", {5.0, 6.0}),
        ("GreaterThanThreshold", {6.0}),
        ("LessThanThreshold", {4.0}),
        ("LessThanOrEqualToThreshold", {4.0, 5.0}),
    ],
)
def test_comparisons(comparison: str, breaching: set[float]) -> None:
    given = Rule(
        comparison=comparison, threshold=5, periods=1, breaching=1, missing=Missing.MISSING
    )
    assert {value for value in (4.0, 5.0, 6.0) if given.breaches(value)} == breaching


def test_too_few_values_for_a_percentile_change_nothing_if_asked() -> None:
    few, enough = points("X X X X X", samples=33), points("X X X X X", samples=34)
    assert evaluate(few, rule(enough_values=100)).state is None
    assert evaluate(enough, rule(enough_values=100)).state is State.ALARM
    assert evaluate(few, rule()).state is State.ALARM


def test_without_any_values_too_few_are_missing() -> None:
    given = rule(enough_values=100, missing=Missing.BREACHING)
    assert verdict("- - - - -", given).state is State.ALARM


def test_the_evaluation_range_is_the_documented_one() -> None:
    assert rule().periods + EXTRA_PERIODS == 5


@pytest.mark.parametrize(
    ("text", "given", "before", "end"),
    [
        (
            "0 X X",
            rule(breaching=2),
            State.OK,
            (
                "2 out of the last 3 datapoints [9.0 (02/03/26 12:00:00), 9.0 (02/03/26 11:59:00)]"
                " were greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM"
                " transition)."
            ),
        ),
        (
            "X X 0",
            rule(),
            State.ALARM,
            (
                "1 out of the last 3 datapoints [0.0 (02/03/26 12:00:00)] was not greater than the"
                " threshold (5.0) (minimum 1 datapoint for ALARM -> OK transition)."
            ),
        ),
        (
            "- - X",
            rule(missing=Missing.BREACHING),
            State.OK,
            (
                "1 out of the last 3 datapoints [9.0 (02/03/26 12:00:00)] was greater than the"
                " threshold (5.0) and 2 missing datapoints were treated as [Breaching] (minimum 3"
                " datapoints for OK -> ALARM transition)."
            ),
        ),
        (
            "- - -",
            rule(missing=Missing.NOT_BREACHING),
            State.ALARM,
            (
                "no datapoints were received for 3 periods and 3 missing datapoints were treated as"
                " [NonBreaching]."
            ),
        ),
    ],
)
def test_reasons(text: str, given: Rule, before: State, end: str) -> None:
    found = reason(verdict(text, given), given, before)
    assert found == f"Threshold Crossed: {end}"


def test_the_reason_without_data() -> None:
    found = reason(verdict("- - -", rule()), rule(), State.OK)
    assert found == "Insufficient Data: 3 datapoints were unknown."
