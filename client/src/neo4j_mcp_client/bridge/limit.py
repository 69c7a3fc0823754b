"""Cuts a tool's result to the size that an agent's context can hold.

Results are cut between rows, so that the rest is still JSON. Long lists of numbers, such as
embeddings, are shortened first, since an agent can't use them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST_VECTOR = 32
_SHOWN_NUMBERS = 3
_LONGEST_TEXT = 500
_LONGEST_LIST = 20
_BRACKETS_LENGTH = 4


@dataclass(frozen=True)
class LimitedText:
    """A text within the limit.

    Attributes:
        text: the shortened text.
        notice: what is missing, or None if the text is complete.
    """

    text: str
    notice: str | None = None


def limit_text(text: str, limit: int) -> LimitedText:
    """Cut a result to a number of characters.

    Args:
        limit: the most characters; 0 for no limit.
    """
    if not limit or len(text) <= limit:
        return LimitedText(text)
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, list) or not value:
        return LimitedText(text[:limit], _notice(f"{limit:,} of {len(text):,} characters", limit))
    # Indentation can be most of the server's JSON.
    lines = [_compact(row) for row in value]
    if _length(lines) <= limit:
        return LimitedText(_joined(lines))
    return _cut(value, limit=limit, length=len(text))


def _cut(rows: Sequence[Any], *, limit: int, length: int) -> LimitedText:
    lines: list[str] = []
    total, shortened = _BRACKETS_LENGTH, 0
    for row in rows:
        line = _compact(_without_vectors(row))
        if total + len(line) + 2 > limit:
            break
        shortened += line != _compact(row)
        lines.append(line)
        total += len(line) + 2
    details = []
    if shortened:
        details.append(f"Lists of more than {_LONGEST_VECTOR} numbers are cut to {_SHOWN_NUMBERS}.")
    if lines:
        text = _joined(lines)
    else:
        # Not even the first row fits.
        text = _joined([_compact(_shortened(rows[0]))])
        if len(text) > limit:
            text = text[:limit]
            details.append("The only row is cut in the middle, so it isn't JSON any more.")
        else:
            details.append("Long texts and lists in the only row are cut.")
    shown = f"{len(lines) or 1:,} of {len(rows):,} rows, {len(text):,} of {length:,} characters"
    return LimitedText(text, _notice(shown, limit, *details))


def _notice(shown: str, limit: int, *details: str) -> str:
    return " ".join(
        [
            f"The bridge shows only part of this result: {shown}.",
            *details,
            "Request less: LIMIT, only the properties that you need, aggregates, no vectors.",
            f"The limit is {limit:,} characters; the user can change it with --max-characters.",
        ]
    )


def _without_vectors(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {name: _without_vectors(each) for name, each in value.items()}
    if isinstance(value, list):
        if len(value) > _LONGEST_VECTOR and all(type(each) in (int, float) for each in value):
            return _first(value, _SHOWN_NUMBERS)
        return [_without_vectors(each) for each in value]
    return value


def _shortened(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… {len(value) - _LONGEST_TEXT:,} more characters"
    if isinstance(value, dict):
        return {name: _shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        value = _without_vectors(value)
        kept = value if len(value) <= _LONGEST_LIST else _first(value, _LONGEST_LIST)
        return [_shortened(each) for each in kept]
    return value


def _first(values: list[Any], count: int) -> list[Any]:
    return [*values[:count], f"… {len(values) - count:,} more"]


def _compact(value: Any) -> str:  # noqa: ANN401 - any JSON
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _length(lines: Sequence[str]) -> int:
    return _BRACKETS_LENGTH + sum(len(line) + 2 for line in lines)


def _joined(lines: Sequence[str]) -> str:
    # One row per line, for readability.
    return "[\n" + ",\n".join(lines) + "\n]"
