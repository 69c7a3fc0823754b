"""Calculates metric math. Pure.

Source: "Metric math syntax and functions" in the user guide, for what happens to missing values.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from localcloud.aws.cloudwatch.errors import unsupported, validation_error
from localcloud.aws.cloudwatch.expressions.parsing import (
    Call,
    Node,
    Number,
    Operation,
    Reference,
    Series,
    Text,
)

Values = list[float | None]
"""A time series: a value for each period; None without one."""
Array = tuple[Values, ...]
Result = float | Values | Array

_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "AND": lambda left, right: bool(left) and bool(right),
    "OR": lambda left, right: bool(left) or bool(right),
}
_AGGREGATES: Final[Mapping[str, Callable[[Iterable[float]], float]]] = {
    "AVG": lambda values: math.fsum(found := list(values)) / len(found),
    "MAX": max,
    "MIN": min,
    "SUM": math.fsum,
}
_EACH_VALUE: Final[Mapping[str, Callable[[float], float]]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
}
_FILL_ARGUMENTS: Final = 2
_IF_ARGUMENTS: Final = (2, 3)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What an expression can use.

    Attributes:
        series: the metrics by the ids of their queries.
        periods: their periods in seconds.
        count: the number of values in each series.
        results: all results so far, those of expressions included.
    """

    series: Mapping[str, Values]
    periods: Mapping[str, int]
    count: int
    results: Mapping[str, Values] = field(default_factory=dict)

    def with_results(self, results: Mapping[str, Values]) -> "Inputs":
        """Add the results so far."""
        return replace(self, results=dict(results))


def evaluate(node: Node, inputs: Inputs) -> Values:
    """Return the time series that an expression results in.

    Raises:
        ApiError: ValidationException, it results in a number or in several series.
    """
    result = _result(node, inputs)
    if isinstance(result, list):
        return result
    if isinstance(result, tuple) and len(result) == 1:
        return result[0]
    if isinstance(result, tuple):
        raise unsupported("expressions that return several time series")
    raise validation_error("The expression must return a time series, and not a number.")


def _result(node: Node, inputs: Inputs) -> Result:
    match node:
        case Number():
            return node.value
        case Text():
            raise validation_error(f"{node.value!r} is only valid as an argument of a function.")
        case Reference():
            return inputs.results[node.id]
        case Series():
            return _flattened(_result(each, inputs) for each in node.items)
        case Operation():
            return _operation(node.operator, [_result(each, inputs) for each in node.operands])
        case Call():
            return _call(node, inputs)


def _flattened(results: Iterable[Result]) -> Array:
    found: list[Values] = []
    for each in results:
        if isinstance(each, tuple):
            found += each
        elif isinstance(each, list):
            found.append(each)
        else:
            raise validation_error("An array must contain time series only.")
    return tuple(found)


def _operation(sign: str, operands: Sequence[Result]) -> Result:
    if len(operands) == 1:
        return _operation("-", [0.0, *operands])
    left, right = operands
    if isinstance(left, tuple) and isinstance(right, tuple):
        raise unsupported("operators between two arrays of time series")
    if isinstance(left, tuple):
        return tuple(_series(_operation(sign, [each, right])) for each in left)
    if isinstance(right, tuple):
        return tuple(_series(_operation(sign, [left, each])) for each in right)
    if isinstance(left, list) or isinstance(right, list):
        return [_of_values(sign, *pair) for pair in _pairs(left, right)]
    value = _of_values(sign, left, right)
    if value is None:
        raise validation_error("The expression divides a number by zero.")
    return value


def _pairs(
    left: float | Values, right: float | Values
) -> Iterable[tuple[float | None, float | None]]:
    """Pair values; without data in any time series, there is no data."""
    count = len(left if isinstance(left, list) else right)  # type: ignore[arg-type] # one is a list
    for index in range(count):
        pair = [each[index] if isinstance(each, list) else each for each in (left, right)]
        series = [each[index] for each in (left, right) if isinstance(each, list)]
        yield (None, None) if all(each is None for each in series) else (pair[0], pair[1])


def _of_values(sign: str, left: float | None, right: float | None) -> float | None:
    if left is None and right is None:
        return None
    first, second = left or 0.0, right or 0.0
    if sign in _COMPARISONS:
        return float(_COMPARISONS[sign](first, second))
    try:
        value = _ARITHMETIC[sign](first, second)
    except (ZeroDivisionError, OverflowError):
        return None
    # A negative base with a fraction as exponent.
    return None if isinstance(value, complex) else value


def _call(call: Call, inputs: Inputs) -> Result:
    name, arguments = call.function, call.arguments
    if name == "METRICS":
        return _metrics(arguments, inputs)
    if name == "PERIOD":
        return _period(arguments, inputs)
    if name == "FILL":
        return _fill(arguments, inputs)
    if name == "IF":
        return _if([_result(each, inputs) for each in arguments])
    if len(arguments) != 1:
        raise validation_error(f"{name} needs one argument.")
    argument = _result(arguments[0], inputs)
    if name in _EACH_VALUE:
        return _of_each(_EACH_VALUE[name], argument)
    return _aggregate(name, argument)


def _metrics(arguments: Sequence[Node], inputs: Inputs) -> Array:
    match arguments:
        case []:
            part = ""
        case [Text(value=part)]:
            pass
        case _:
            raise validation_error("METRICS needs no argument, or a text.")
    return tuple(series for key, series in inputs.series.items() if part in key)


def _period(arguments: Sequence[Node], inputs: Inputs) -> float:
    match arguments:
        case [Reference(id=key)] if key in inputs.periods:
            return float(inputs.periods[key])
        case _:
            raise validation_error("PERIOD needs the id of a metric.")


def _fill(arguments: Sequence[Node], inputs: Inputs) -> Result:
    if len(arguments) != _FILL_ARGUMENTS:
        raise validation_error("FILL needs two arguments.")
    series, filler = _result(arguments[0], inputs), arguments[1]
    if filler == Text(value="LINEAR"):
        raise unsupported("FILL with LINEAR")
    values = None if filler == Text(value="REPEAT") else _result(filler, inputs)
    if isinstance(values, tuple) or not isinstance(series, (list, tuple)):
        raise validation_error("FILL needs time series, and a number or one time series.")
    if isinstance(series, tuple):
        return tuple(_filled(each, values) for each in series)
    return _filled(series, values)


def _filled(series: Values, filler: float | Values | None) -> Values:
    """Fill missing values.

    Args:
        series: the time series.
        filler: a number, a time series, or None for the last value before.
    """
    filled: Values = []
    last: float | None = None
    for index, value in enumerate(series):
        last = value if value is not None else last
        substitute = filler[index] if isinstance(filler, list) else filler
        missing = last if filler is None else substitute
        filled.append(missing if value is None else value)
    return filled


def _if(arguments: Sequence[Result]) -> Result:
    if len(arguments) not in _IF_ARGUMENTS:
        raise validation_error("IF needs two or three arguments.")
    if any(isinstance(each, tuple) for each in arguments):
        raise unsupported("IF with arrays of time series")
    condition, then = arguments[0], arguments[1]
    otherwise = arguments[2] if len(arguments) == max(_IF_ARGUMENTS) else None
    if not isinstance(condition, list):
        return _chosen(condition, arguments)
    chosen: Values = []
    for index, value in enumerate(condition):
        if value is None:
            chosen.append(None)
        elif value:
            # True without a value is 0, as documented; false without one is no value.
            chosen.append(_at(then, index) or 0.0)
        else:
            chosen.append(_at(otherwise, index))
    return chosen


def _chosen(condition: Result, arguments: Sequence[Result]) -> Result:
    series = next((each for each in arguments[1:] if isinstance(each, list)), None)
    if series is None:
        raise validation_error("IF needs a time series among its arguments.")
    if condition:
        return arguments[1]
    return arguments[2] if len(arguments) == max(_IF_ARGUMENTS) else [None] * len(series)


def _at(values: Result | None, index: int) -> float | None:
    if isinstance(values, list):
        return values[index]
    return values if isinstance(values, float) else None


def _of_each(function: Callable[[float], float], argument: Result) -> Result:
    if isinstance(argument, tuple):
        return tuple(_series(_of_each(function, each)) for each in argument)
    if isinstance(argument, list):
        return [None if each is None else float(function(each)) for each in argument]
    return float(function(argument))


def _aggregate(name: str, argument: Result) -> Result:
    aggregate = _AGGREGATES[name]
    if isinstance(argument, list):
        found = [each for each in argument if each is not None]
        return aggregate(found) if found else 0.0
    if not isinstance(argument, tuple):
        raise validation_error(f"{name} needs one or several time series.")
    return [_combined(name, row) for row in zip(*argument, strict=True)]


def _combined(name: str, row: Sequence[float | None]) -> float | None:
    found = [each for each in row if each is not None]
    if not found:
        return None
    # For AVG, missing values are 0; for SUM that is the same.
    padded = found + [0.0] * (len(row) - len(found)) if name == "AVG" else found
    return _AGGREGATES[name](padded)


def _series(result: Result) -> Values:
    if not isinstance(result, list):
        raise validation_error("An array must contain time series only.")
    return result
