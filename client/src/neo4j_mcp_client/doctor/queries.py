"""What the doctor asks a database, whichever way it goes."""

from collections.abc import Iterable, Mapping
from typing import Any

TRIVIAL_QUERY = "RETURN 1 AS one"
"""A query that any role may run, and that does nothing."""

CURRENT_USER = "SHOW CURRENT USER"
"""Tells the roles of whoever asks; everybody may."""


def roles_of(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Take the roles out of the answer to `CURRENT_USER`."""
    return tuple(role for row in rows for role in row.get("roles") or ())
