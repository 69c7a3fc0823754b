"""What filter patterns of every kind share: values, comparisons and regular expressions. Pure."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

_REGEX_CHARACTERS: Final = re.compile(r"[\w\s:#=@/;,\-^$?\[\]{}|\\*+.]+", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)

Fields = Mapping[str, str]
"""The values that a pattern extracts from an event, by their selectors."""
Test = Callable[[str | float], bool]
"""Tests a value of an event."""


class PatternError(ValueError):
    """A filter pattern isn't valid, or has a part that the stand-in doesn't support."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A filter pattern.

    Attributes:
        match: returns what the pattern extracts from a matching event; None if it doesn't match.
        selectors: the fields that the pattern names; dimensions and values are taken from these.
        has_fields: whether it reads events as fields, which dimensions require.
        regex_count: the number of its regular expressions, which has a quota.
    """

    match: Callable[[str], Fields | None]
    selectors: Collection[str] = ()
    has_fields: bool = False
    regex_count: int = 0


def number(text: str) -> float | None:
    """Return a number in a pattern or an event; None if the text isn't one."""
    return float(text) if _NUMBER.fullmatch(text) else None


def regex(text: str) -> re.Pattern[str]:
    """Compile the regular expression between two percent signs.

    Raises:
        PatternError: CloudWatch Logs doesn't support it.
    """
    if not _REGEX_CHARACTERS.fullmatch(text):
        raise PatternError(f"Invalid character(s) in regular expression '{text}'")
    try:
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise PatternError(f"Invalid regular expression '{text}': {error}") from error


def comparison(operator: str, text: str, *, quoted: bool) -> Test:
    """Return the test of a condition in a JSON or space-delimited pattern.

    Args:
        operator: =, !=, <, <=, > or >=.
        text: what a value is compared with.
        quoted: whether quotation marks enclose it; it is no number then.

    Raises:
        PatternError: the operator needs a number.
    """
    wanted = None if quoted else number(text)
    if operator in {"=", "!="}:
        is_equal = _equality(text, wanted)
        return is_equal if operator == "=" else lambda value: not is_equal(value)
    if wanted is None:
        raise PatternError(f"Invalid character(s) in term '{text}': {operator} needs a number")
    return _order(operator, wanted)


def matching_regex(operator: str, expression: re.Pattern[str]) -> Test:
    """Return the test that a value contains a match, or for != that it doesn't.

    Raises:
        PatternError: the operator isn't = or !=.
    """
    if operator not in {"=", "!="}:
        raise PatternError(f"{operator} can't be combined with a regular expression")
    wanted = operator == "="
    return lambda value: (expression.search(as_text(value)) is not None) == wanted


def as_text(value: str | float) -> str:
    """Return a value of an event as text."""
    return value if isinstance(value, str) else repr(value)


def _equality(text: str, wanted: float | None) -> Test:
    if wanted is not None:
        return lambda value: value == (text if isinstance(value, str) else wanted)
    # An asterisk is a wildcard at the beginning and at the end only.
    start, end = text.startswith("*"), len(text) > 1 and text.endswith("*")
    fixed = text[int(start) : len(text) - int(end)]

    def is_equal(value: str | float) -> bool:
        found = as_text(value)
        if start and end:
            return fixed in found
        if start:
            return found.endswith(fixed)
        return found.startswith(fixed) if end else found == fixed

    return is_equal


def _order(operator: str, wanted: float) -> Test:
    compare: Mapping[str, Callable[[float], bool]] = {
        "<": lambda value: value < wanted,
        "<=": lambda value: value <= wanted,
        ">": lambda value: value > wanted,
        ">=": lambda value: value >= wanted,
    }
    holds = compare[operator]
    return lambda value: not isinstance(value, str) and holds(value)
