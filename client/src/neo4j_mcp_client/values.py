"""Values that JSON or the server changes on their way between Python and Cypher. Pure.

The server decodes parameters as 64-bit integers and floats, and writes results with Go's JSON
encoder, to which a date has no public fields. `docs/clients.md` has the whole table.
"""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from neo4j_mcp_client.errors import ParameterError

_LEAST, _GREATEST = -(2**63), 2**63 - 1
# What the Go driver puts in place of a value that it can't decode.
_INVALID_VALUE = frozenset({"Message", "Err"})
# Where the server writes a node, a relationship or a path.
_PROPERTIES = "Props"
_ENTITY = frozenset({"ElementId", _PROPERTIES})


class LostValueWarning(UserWarning):
    """A result holds an empty map where the query may have returned a date or a time."""


def check_parameters(value: Any, name: str) -> None:  # noqa: ANN401 - any JSON
    """Refuse what the database wouldn't get as it is.

    Raises:
        ParameterError: an integer needs more than 64 bits, a float is no number of JSON, or a
            string is no Unicode.
    """
    if isinstance(value, str) and not _is_unicode(value):
        raise ParameterError(
            f"{name} holds half a surrogate pair: it would arrive as U+FFFD.",
            remedy="Pass it as a list of bytes, or decode it without errors='surrogateescape'.",
        )
    if isinstance(value, int) and not _LEAST <= value <= _GREATEST:
        raise ParameterError(
            f"{name} needs more than the 64 bits of Cypher's integers: it would arrive as a float."
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
    """Issue a `LostValueWarning` where rows may have lost values."""
    if notice := lost_values(rows):
        warnings.warn(notice, LostValueWarning, stacklevel=stacklevel)


def lost_values(rows: Any) -> str | None:  # noqa: ANN401 - any JSON
    """Describe the columns whose values the server may have lost.

    A map that is empty in the database looks like a lost date, and then the notice is a false
    alarm; a property is never a map, so an empty one there is certainly a loss.

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
                # Most values are scalars, and results can be large.
                if isinstance(value, (dict, list)):
                    for path, sure in _losses(value, str(column)):
                        (certain if sure else possible)[path] = None
    sentences = []
    if certain:
        sentences.append(f"The server lost the values of {_names(certain)}.")
    if uncertain := [path for path in possible if path not in certain]:
        sentences.append(
            f"{_names(uncertain)} may have lost values: {{}} is an empty map, or what the server"
            " makes of a date, a time or a local date-time."
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
