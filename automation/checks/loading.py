"""P5: whether a client can make the database load data from an address.

The address may contain what the query has read, so who may load data can send out what it reads.
"""

from collections.abc import Collection, Mapping
from typing import Final

from automation.checks.mcp import ToolResult, call_tool_as
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.rights import FORBIDDEN
from automation.checks.verdicts import Failed, Skipped

_QUERY: Final = "LOAD CSV FROM $address AS line RETURN count(line) AS lines"
# The database's administrator has blocked the address for everybody. Neo4j looks at this before it
# looks at the roles.
# Source: Neo4j's WebURLAccessRule, release 5.26.
_BLOCKED: Final = "is blocked via the configuration property"
# The database was willing to load, and couldn't.
# Source: "Neo4j status codes", Statement.
_NOT_LOADED: Final = "Neo.ClientError.Statement.ExternalResourceFailed"
# None of them denies loading, and the role PUBLIC, which every user has, grants it.
# Source: "Built-in roles and privileges" in the Neo4j Operations Manual.
_BUILT_IN: Final = frozenset({"reader", "editor", "publisher", "architect", "admin"})


@check("P5-cannot-load")
def cannot_load(probe: Probe) -> None:
    """No client can make the database load data, which could send out what was read."""
    context = probe.context
    # The database fetches this address by itself, to verify tokens. So the query is answered at
    # once, and sends nothing to anybody new.
    arguments = {"query": _QUERY, "params": {"address": context.outputs["jwksUrl"]}}
    loading = {
        name: context.roles(name)
        for name in context.clients
        if _loads(name, call_tool_as(probe, name, "read-cypher", arguments))
    }
    chosen = {name: roles - _BUILT_IN for name, roles in loading.items() if roles - _BUILT_IN}
    if chosen:
        raise Failed(
            f"{_what(chosen)} As an administrator of the database, run:"
            f" DENY LOAD ON ALL DATA TO {_roles(chosen)}"
        )
    # It is so in every database until somebody changes it, and docs/security.md says so. A check
    # that always failed would hide others.
    if loading:
        raise Skipped(
            f"{_what(loading)} Neo4j's own roles, here {_roles(loading)}, don't deny it. Name roles"
            " that do in the scopes: python -m automation database-role --help"
        )


def _loads(name: str, result: ToolResult) -> bool:
    """Return whether the database loaded what a client wanted it to load, or tried to.

    Raises:
        Failed: the response doesn't say.
    """
    if not result.refused:
        return True
    # A blocked address has the code of one that couldn't be loaded.
    if FORBIDDEN in result.text or _BLOCKED in result.text:
        return False
    if _NOT_LOADED in result.text:
        return True
    raise Failed(f"{name} trying to load data gets {result.text!r} instead of {FORBIDDEN}")


def _what(loading: Mapping[str, Collection[str]]) -> str:
    return (
        f"The database loads data for {', '.join(sorted(loading))}, from an address that could"
        " contain what was read."
    )


def _roles(loading: Mapping[str, Collection[str]]) -> str:
    return ", ".join(sorted({role for roles in loading.values() for role in roles}))
