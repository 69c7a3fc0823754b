"""Messages that contain what somebody else says, such as a library's error, are punctuated once."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("automation", "client/src", "components", "demo", "functions", "localcloud/src", "server")
_ERRORS = frozenset({"cause", "error", "said"})
_TEXTS = frozenset({"explanation", "message", "reason", "strerror", "verify_message"})


def _is_an_errors_text(value: ast.expr) -> bool:
    """Return whether an expression is an exception's text: ``error``, ``error.strerror or …``."""
    match value:
        case ast.Name(id=name):
            return name in _ERRORS
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            return name in _ERRORS and attribute in _TEXTS
        case ast.BoolOp(values=values):
            return any(map(_is_an_errors_text, values))
        case ast.Call(func=ast.Name(id="str"), args=[argument]):
            return _is_an_errors_text(argument)
    return False


def _appended_stops(source: str) -> Iterator[int]:
    """Find the lines of f-strings with a full stop after an exception's text."""
    for node in ast.walk(ast.parse(source)):
        for value, following in pairwise(node.values if isinstance(node, ast.JoinedStr) else ()):
            match value, following:
                case ast.FormattedValue(value=shown), ast.Constant(value=str(text)):
                    ends = text == "." or text.startswith((". ", ".\n"))
                    if ends and _is_an_errors_text(shown):
                        yield value.lineno


@pytest.mark.parametrize("place", PLACES)
def test_no_full_stop_is_appended_to_an_errors_text(place: str) -> None:
    """It may have one: end the line there, or use the client's `as_sentence`."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / place).rglob("*.py"))
        for line in _appended_stops(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('f"it failed: {error}."', [1]),
        ('f"it failed: {error}. Try again"', [1]),
        ('f"it failed: {error.strerror or error}.\\n"', [1]),
        ('f"it failed: {str(cause)}."', [1]),
        ('f"it failed: {error}"', []),
        ('f"it failed: {error}\\nTry again."', []),
        ('f"{error.filename}."', []),
        ('f"{error}.log"', []),
    ],
)
def test_an_appended_full_stop_is_found(source: str, lines: list[int]) -> None:
    assert list(_appended_stops(source)) == lines
