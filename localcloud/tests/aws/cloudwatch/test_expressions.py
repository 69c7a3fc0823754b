"""Metric math, with the examples of AWS's user guide."""

import pytest

from localcloud.aws.cloudwatch.expressions import parsing
from localcloud.aws.cloudwatch.expressions.evaluation import Inputs, Values, evaluate
from localcloud.aws.protocol import ApiError

ONE: dict[str, Values] = {"m1": [30, 20, 0, 0], "m2": [20, None, 20, None]}
IF: dict[str, Values] = {
    "m1": [1, 1, 0, 0, None],
    "m2": [30, None, 0, 0, 30],
    "m3": [0, 0, 20, None, 20],
}
GAPS: dict[str, Values] = {"m1": [None, 1, None, 3], "m2": [10, 20, None, 40], "e": [2, 2, 2, 2]}


def calculate(text: str, series: dict[str, Values]) -> Values:
    inputs = Inputs(
        series=series,
        periods=dict.fromkeys(series, 300),
        count=len(next(iter(series.values()))),
    )
    return evaluate(parsing.parse(text), inputs.with_results(series))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("(m1 < m2)", [0, 0, 1, 0]),
        ("(m1 >= 30)", [1, 0, 0, 0]),
        ("(m1 > 15 AND m2 > 15)", [1, 0, 0, 0]),
        ("m1 > 15 && m2 > 15", [1, 0, 0, 0]),
        ("m1 > 15 OR m2 > 15", [1, 1, 1, 0]),
        ("m1 > 15 || m2 > 15", [1, 1, 1, 0]),
    ],
)
def test_documented_comparisons(text: str, values: Values) -> None:
    assert calculate(text, ONE) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("IF(m1, m2, m3)", [30, 0, 20, None, None]),
        ("IF(m1, 5, m3)", [5, 5, 20, None, None]),
        ("IF(m1, m2, 5)", [30, 0, 5, 5, None]),
        ("IF(m1, m2)", [30, 0, None, None, None]),
        ("IF(m1 == 1, 10, 2)", [10, 10, 2, 2, None]),
        ("IF(1, m2, m3)", [30, None, 0, 0, 30]),
        ("IF(0, m2, m3)", [0, 0, 20, None, 20]),
        ("IF(0, m2)", [None] * 5),
    ],
)
def test_documented_conditions(text: str, values: Values) -> None:
    assert calculate(text, IF) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("m1 + m2", [10, 21, None, 43]),
        ("m1 * 2", [None, 2, None, 6]),
        ("-m1", [None, -1, None, -3]),
        ("2 ^ m1 - 1", [None, 1, None, 7]),
        ("m2 / m1", [None, 20, None, 40 / 3]),
        ("1 - 2 - m1", [None, -2, None, -4]),
        ("m1 / PERIOD(m1)", [None, 1 / 300, None, 0.01]),
        ("FILL(m1, 0)", [0, 1, 0, 3]),
        ("FILL(m1, m2)", [10, 1, None, 3]),
        ("FILL(m1, REPEAT)", [None, 1, 1, 3]),
        ("SUM([m1, m2])", [10, 21, None, 43]),
        ("MAX([m1, m2])", [10, 20, None, 40]),
        ("MIN([m1, m2])", [10, 1, None, 3]),
        ("AVG([m1, m2])", [5, 10.5, None, 21.5]),
        ("MAX(METRICS())", [10, 20, 2, 40]),
        ('SUM(METRICS("m"))', [10, 21, None, 43]),
        ("SUM([METRICS('m1'), METRICS('m2')]) * 1", [10, 21, None, 43]),
        ("SUM([m1, m2] * 2)", [20, 42, None, 86]),
        ("m1 / SUM(m1)", [None, 0.25, None, 0.75]),
        ("ABS(CEIL(-m1 / 2) - FLOOR(m1 / 2))", [None, 0, None, 2]),
        ("IF(FILL(m1, 0) > 1.5, 1, 0)", [0, 0, 0, 1]),
    ],
)
def test_missing_values(text: str, values: Values) -> None:
    assert calculate(text, GAPS) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("requests + errors", [30, 10, None]),
        ("SUM([requests, errors])", [30, 10, None]),
        ("100 * errors / requests", [0, 0, None]),
        ("IF(requests > 20, 100 * errors / requests, 0)", [0, 0, None]),
        ("IF(requests + errors > 20, errors, 0)", [0, 0, None]),
    ],
)
def test_a_metric_without_data_counts_as_zero(text: str, values: Values) -> None:
    series: dict[str, Values] = {"requests": [30, 10, None], "errors": [None] * 3}
    assert calculate(text, series) == values


@pytest.mark.parametrize(
    "text", ["m1 + m2", "SUM([m1, m2])", "100 * m1 / m2", "IF(m1 + m2 > 20, 100 * m1 / m2, 0)"]
)
def test_without_any_data_there_is_no_value(text: str) -> None:
    assert calculate(text, {"m1": [None, None], "m2": [None, None]}) == [None, None]


def test_a_division_by_zero_drops_the_data_point() -> None:
    assert calculate("m2 / m1", {"m1": [0, 2], "m2": [1, 1]}) == [None, 0.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ANOMALY_DETECTION_BAND(m1)", "doesn't support the function ANOMALY_DETECTION_BAND"),
        ("RATE(m1)", "doesn't support the function RATE"),
        ("SELECT AVG(CPUUtilization) FROM X", "doesn't support Metrics Insights"),
        ("FILL(m1, LINEAR)", "doesn't support FILL with LINEAR"),
        ("METRICS()", "doesn't support expressions that return several"),
        ("[m1, m2] + [m1, m2]", "doesn't support operators between two arrays"),
        ("if(m1, 1, 0)", "if is not a function"),
        ("m1 +", "ends too early"),
        ("m1 + )", "unexpected '\\)'"),
        ("m1 m2", "unexpected 'm2'"),
        ("(m1", "'\\)' is missing"),
        ("m1 % 2", "unexpected character '%'"),
        ("SUM(m1)", "must return a time series"),
        ("IF(m1)", "IF needs two or three arguments"),
        ("FILL(m1)", "FILL needs two arguments"),
        ("PERIOD(5) * m1", "PERIOD needs the id"),
        ("1 / 0 * m1", "divides a number by zero"),
        ("SUM(1)", "SUM needs one or several time series"),
    ],
)
def test_expressions_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(ApiError, match=message):
        calculate(text, GAPS)


def test_references_are_the_queries_that_an_expression_names() -> None:
    node = parsing.parse("IF(m1 > 2, [e1, SUM(METRICS('x'))], FILL(e2, REPEAT))")
    assert parsing.references(node) == {"m1", "e1", "e2"}
