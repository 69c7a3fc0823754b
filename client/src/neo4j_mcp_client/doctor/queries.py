"""The queries that the doctor runs, directly and through the server."""

from collections.abc import Iterable, Mapping
from typing import Any

TRIVIAL_QUERY = "RETURN 1 AS one"
"""A query that any role may run."""

CURRENT_USER = "SHOW CURRENT USER"
"""Returns the caller's roles; any role may run it."""


def roles_of(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the roles in the rows of `CURRENT_USER`."""
    return tuple(role for row in rows for role in row.get("roles") or ())
