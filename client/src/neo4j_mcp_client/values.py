"""Detects values that JSON or the server changes between Python and Cypher.

The server decodes parameters as 64-bit integers and floats. It writes results with Go's JSON
encoder, for which a date has no public fields. `docs/clients.md` lists all types.
"""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from neo4j_mcp_client.errors import ParameterError

_LEAST, _GREATEST = -(2**63), 2**63 - 1
# What the Go driver returns for a value that it can't decode.
_INVALID_VALUE = frozenset({"Message", "Err"})
# How the server writes the properties of nodes and relationships.
_PROPERTIES = "Props"
_ENTITY = frozenset({"ElementId", _PROPERTIES})


class LostValueWarning(UserWarning):
    """A result contains an empty map, and the query may have returned a date or a time."""


def check_parameters(value: Any, name: str) -> None:  # noqa: ANN401 - any JSON
    """Reject values that would reach the database changed.

    Raises:
        ParameterError: an integer needs more than 64 bits, a float is NaN or infinite, or a
            string isn't valid Unicode.
    """
    if isinstance(value, str) and not _is_unicode(value):
        raise ParameterError(
            f"{name} contains an unpaired surrogate, which would arrive as U+FFFD.",
            remedy="Pass it as a list of bytes, or decode it without errors='surrogateescape'.",
        )
    if isinstance(value, int) and not _LEAST <= value <= _GREATEST:
        raise ParameterError(
            f"{name} exceeds the 64 bits of Cypher's integers, and would arrive as a float."
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"{name} is {value}, which JSON can't express.")
    if isinstance(value, Mapping):
        for key, each in value.items():
            check_parameters(each, f"{name}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, each in enumerate(value):
            check_parameters(each, f"{name}[{index}]")


def warn_of_lost_values(rows: Any, *, stacklevel: int = 3) -> None:  # noqa: ANN401 - any JSON
    """Issue a `LostValueWarning` if rows may have lost values."""
    if notice := lost_values(rows):
        warnings.warn(notice, LostValueWarning, stacklevel=stacklevel)


def lost_values(rows: Any) -> str | None:  # noqa: ANN401 - any JSON
    """Describe the columns whose values the server may have lost.

    An empty map from the database looks like a lost date, so the notice may be a false alarm. A
    property can't be a map, so an empty map there is certainly a lost value.

    Returns:
        The notice, or None if nothing was lost.
    """
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        return None
    certain: dict[str, None] = {}
    possible: dict[str, None] = {}
    for row in rows:
        if isinstance(row, Mapping):
            for column, value in row.items():
                # Results can be large, and most values are scalars.
                if isinstance(value, (dict, list)):
                    for path, sure in _losses(value, str(column)):
                        (certain if sure else possible)[path] = None
    sentences = []
    if certain:
        sentences.append(f"The server lost the values of {_names(certain)}.")
    if uncertain := [path for path in possible if path not in certain]:
        sentences.append(
            f"{_names(uncertain)} may have lost values: {{}} is either an empty map, or a date,"
            " time or local date-time that the server lost."
        )
    if not sentences:
        return None
    return " ".join([*sentences, "Return them as text: toString(value)."])


def _losses(
    value: dict[str, Any] | list[Any], path: str, *, property_of: bool = False
) -> Iterator[tuple[str, bool]]:
    if isinstance(value, list):
        for each in value:
            if isinstance(each, (dict, list)):
                yield from _losses(each, path, property_of=property_of)
        return
    if not value:
        yield path, property_of
    elif value.keys() == _INVALID_VALUE:
        yield path, True
    else:
        is_entity = value.keys() >= _ENTITY and isinstance(value[_PROPERTIES], dict)
        for name, each in (value[_PROPERTIES] if is_entity else value).items():
            if isinstance(each, (dict, list)):
                yield from _losses(each, f"{path}.{name}", property_of=is_entity)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _names(paths: Mapping[str, None] | Sequence[str]) -> str:
    shown = list(paths)[:5]
    more = len(paths) - len(shown)
    return ", ".join(f"`{path}`" for path in shown) + (f" and {more} more" if more else "")
