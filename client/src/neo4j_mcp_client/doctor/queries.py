"""What the doctor asks a database, whichever way it goes."""

from collections.abc import Iterable, Mapping
from typing import Any

LEAST = "RETURN 1 AS one"
"""A query that any role may run, and that does nothing."""

WHO_AM_I = "SHOW CURRENT USER"
"""Tells the roles of whoever asks; everybody may."""


def roles_of(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Take the roles out of the answer to `WHO_AM_I`."""
    return tuple(role for row in rows for role in row.get("roles") or ())
