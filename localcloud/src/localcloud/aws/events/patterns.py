"""Event patterns: which events a rule matches. Pure.

Source: "Creating event patterns" and "Comparison operators for use in event patterns" in the Amazon
EventBridge User Guide.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from localcloud.aws.protocol import ApiError

Pattern: TypeAlias = Mapping[str, Any]
_Matcher: TypeAlias = Callable[[list[Any]], bool]
_OTHER_OPERATORS: Final = frozenset({"cidr", "equals-ignore-case", "numeric", "suffix", "wildcard"})


def parse(text: str) -> Pattern:
    """Read a rule's event pattern.

    Raises:
        ApiError: InvalidEventPatternException.
    """
    try:
        pattern = json.loads(text)
    except ValueError:
        raise _invalid("it isn't JSON") from None
    if not isinstance(pattern, dict):
        raise _invalid("Filter is not an object")
    if not pattern:
        raise _invalid("Event pattern is empty")
    _check(pattern)
    return pattern


def matches(pattern: Pattern, event: Mapping[str, Any]) -> bool:
    """Return whether an event has what a pattern asks for."""
    return all(_member_matches(wanted, _values(event, name)) for name, wanted in pattern.items())


def _member_matches(wanted: Any, values: list[Any]) -> bool:  # noqa: ANN401 - JSON
    if isinstance(wanted, dict):
        # Of a list of objects, one is enough; a missing object has no members.
        objects = [each for each in values if isinstance(each, dict)]
        return any(matches(wanted, each) for each in objects or [{}])
    leaves = [each for each in values if not isinstance(each, dict)]
    return any(_matcher(each)(leaves) for each in wanted)


def _values(event: Mapping[str, Any], name: str) -> list[Any]:
    if name not in event:
        return []
    value = event[name]
    return value if isinstance(value, list) else [value]


def _matcher(condition: Any) -> _Matcher:  # noqa: ANN401 - JSON
    if not isinstance(condition, dict):
        return lambda values: any(_same(each, condition) for each in values)
    [(operator, operand)] = condition.items()
    if operator == "exists":
        return lambda values: bool(values) is operand
    if operator == "prefix":
        return lambda values: any(_begins_with(each, operand) for each in values)
    if isinstance(operand, dict):
        prefix = operand["prefix"]
        return lambda values: any(not _begins_with(each, prefix) for each in values)
    excluded = operand if isinstance(operand, list) else [operand]
    return lambda values: any(not any(_same(each, other) for other in excluded) for each in values)


def _same(left: Any, right: Any) -> bool:  # noqa: ANN401 - JSON
    # Python's True is 1, and EventBridge doesn't match 300.0 with 300.
    return type(left) is type(right) and bool(left == right)


def _begins_with(value: Any, prefix: str) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, str) and value.startswith(prefix)


def _check(pattern: Mapping[str, Any]) -> None:
    for name, wanted in pattern.items():
        if name == "$or":
            raise _unsupported("$or")
        if isinstance(wanted, dict):
            if not wanted:
                raise _invalid(f'"{name}" must not be empty')
            _check(wanted)
        elif not isinstance(wanted, list):
            raise _invalid(f'"{name}" must be an object or an array')
        elif not wanted:
            raise _invalid("Empty arrays are not allowed")
        else:
            for condition in wanted:
                _check_condition(condition)


def _check_condition(condition: Any) -> None:  # noqa: ANN401 - JSON
    if isinstance(condition, list):
        raise _invalid("Match value must be String, number, true, false, or null")
    if not isinstance(condition, dict):
        return
    if len(condition) != 1:
        raise _invalid("Only one key allowed in match expression")
    [(operator, operand)] = condition.items()
    if operator in _OTHER_OPERATORS:
        raise _unsupported(operator)
    if operator == "exists":
        if not isinstance(operand, bool):
            raise _invalid("exists match pattern must be either true or false.")
    elif operator == "prefix":
        _check_prefix(operand)
    elif operator == "anything-but":
        _check_anything_but(operand)
    else:
        raise _invalid(f"Unrecognized match type {operator}")


def _check_anything_but(operand: Any) -> None:  # noqa: ANN401 - JSON
    if isinstance(operand, dict):
        if set(operand) != {"prefix"}:
            raise _unsupported(f"anything-but with {', '.join(sorted(operand)) or 'nothing'}")
        _check_prefix(operand["prefix"])
        return
    values = operand if isinstance(operand, list) else [operand]
    if not values or not all(
        isinstance(each, (str, int, float)) and not isinstance(each, bool) for each in values
    ):
        raise _invalid("Value of anything-but must be an array or single string/number value.")


def _check_prefix(operand: Any) -> None:  # noqa: ANN401 - JSON
    if isinstance(operand, dict):
        raise _unsupported("prefix with equals-ignore-case")
    if not isinstance(operand, str):
        raise _invalid("prefix match pattern must be a string")


def _invalid(reason: str) -> ApiError:
    return ApiError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}")


def _unsupported(what: str) -> ApiError:
    return ApiError(
        "ValidationException", f"The stand-in's EventBridge doesn't support {what} in a pattern."
    )
