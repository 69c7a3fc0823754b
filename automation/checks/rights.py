"""P5: what each client may do to the graph, alone and at the same time as another client."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Final

from automation.checks.context import Context
from automation.checks.mcp import call_tool, call_tool_as
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.verdicts import Failed, Skipped, expect, expect_equal

LABEL: Final = "AutomationCheck"
"""The label of all nodes that checks write, and delete again."""

FORBIDDEN: Final = "Neo.ClientError.Security.Forbidden"
"""The database's code for what the caller's roles don't allow."""

# read-cypher's own message when it doesn't pass the query on.
# Source: the server, release 1.6.
_READ_ONLY_TOOL: Final = "read-cypher can only run read-only Cypher"
# Source: "Built-in roles and privileges" in the Neo4j Operations Manual.
_READING: Final = frozenset({"reader"})
_WRITING: Final = frozenset({"publisher", "architect", "admin"})
_CREATE: Final = f"CREATE (n:{LABEL} {{run: $run}})"
_COUNT: Final = f"MATCH (n:{LABEL} {{run: $run}}) RETURN count(n) AS nodes"
_DELETE: Final = f"MATCH (n:{LABEL} {{run: $run}}) DELETE n"
_INDEX: Final = "automation_check"
_ADMINISTRATION: Final = (
    "SHOW USERS",
    "CALL dbms.listConfig() YIELD name RETURN count(name) AS settings",
)
_THREADS: Final = 8
_ISOLATION_LIMIT: Final = 1800.0


@check("P5-reader-cannot-write")
def reader_cannot_write(probe: Probe) -> None:
    """A client that may only read can't write with any tool."""
    context = probe.context
    run = _new_run_id()
    for name in _require_clients_with(context, _READING):
        for tool in _query_tools(context):
            arguments = {"query": _CREATE, "params": {"run": run}}
            _expect_forbidden(probe, name, tool, arguments, "write")
        expect_equal("the number of nodes written", count_nodes(probe, name, run), 0)


@check("P5-reader-cannot-index")
def reader_cannot_index(probe: Probe) -> None:
    """A client that may only read can't create an index."""
    create = f"CREATE INDEX {_INDEX} FOR (n:{LABEL}) ON (n.run)"
    context = probe.context
    for name in _require_clients_with(context, _READING):
        for tool in _query_tools(context):
            try:
                _expect_forbidden(probe, name, tool, {"query": create}, "create an index")
            except Failed:
                call_tool_as(probe, name, tool, {"query": f"DROP INDEX {_INDEX} IF EXISTS"})
                raise


@check("P5-reader-cannot-administer")
def reader_cannot_administer(probe: Probe) -> None:
    """A client that may only read can't run administrative commands."""
    context = probe.context
    for name in _require_clients_with(context, _READING):
        for query in _ADMINISTRATION:
            for tool in _query_tools(context):
                _expect_forbidden(probe, name, tool, {"query": query}, f"run {query}")


@check("P5-writer-can-write")
def writer_can_write(probe: Probe) -> None:
    """A client that may write can create a node, read it and delete it."""
    context = probe.context
    if context.settings.read_only:
        raise Skipped("the server is configured to be read-only")
    for name in _require_clients_with(context, _WRITING):
        with _temporary_node(probe, name) as run:
            expect_equal(f"the number of nodes {name} wrote", count_nodes(probe, name, run), 1)
        expect_equal("the number of nodes left", count_nodes(probe, name, run), 0)


@check("P5-isolation", limit=_ISOLATION_LIMIT, serial=True)
def isolation(probe: Probe) -> None:
    """Clients that call at the same time never get each other's identity or rights."""
    context = probe.context
    if len(context.clients) < 2:  # noqa: PLR2004 - one client can't be confused with another
        raise Skipped("the stack has only one client")
    run = _new_run_id()
    turns = list(islice(cycle(context.clients), context.interleavings))
    failures = _interleave_calls(context, turns, run)
    name = context.first_client
    written = count_nodes(probe, name, run)
    probe.note(
        f"{len(turns)} calls in {_THREADS} threads, the clients {', '.join(context.clients)}"
        " taking turns on the same connections",
        {"wrong": failures[:10], "nodes that readers wrote": written},
    )
    expect(not failures, f"{len(failures)} of {len(turns)} calls went wrong: {failures[:1]}")
    expect_equal("the number of nodes readers wrote", written, 0)


def count_nodes(probe: Probe, name: str, run: str) -> int:
    """Count the nodes that a check wrote.

    Args:
        probe: the check's probe.
        name: the client that counts.
        run: the value of the nodes' property `run`.

    Raises:
        Failed: the client can't read.
    """
    arguments = {"query": _COUNT, "params": {"run": run}}
    result = call_tool_as(probe, name, "read-cypher", arguments)
    expect(not result.refused, f"read-cypher refuses {name}: {result.text}")
    return int(json.loads(result.text)[0]["nodes"])


def _interleave_calls(context: Context, turns: list[str], run: str) -> list[str]:
    """Call the server as the clients in turn, from several threads.

    Returns:
        Descriptions of the calls with a wrong result.
    """
    users = {name: client["clientId"] for name, client in context.clients.items()}
    readers = set(_clients_with(context, _READING))
    failures: list[str] = []
    url = context.outputs["mcpUrl"]

    def take_turns(names: Iterable[str]) -> None:
        with context.http_client() as http:
            for number, name in enumerate(names):
                if context.stopping.is_set():
                    return
                token = context.token(name)
                if name in readers and number % 4 == 0 and not context.settings.read_only:
                    arguments = {"query": _CREATE, "params": {"run": run}}
                    result = call_tool(http, url, "write-cypher", arguments, token=token)
                    if not result.refused or FORBIDDEN not in result.text:
                        failures.append(f"{name} writing gets {result.text!r}")
                    continue
                query = {"query": "SHOW CURRENT USER"}
                result = call_tool(http, url, "read-cypher", query, token=token)
                user = None if result.refused else json.loads(result.text)[0]["user"]
                if user != users[name]:
                    failures.append(f"{name} is {user!r}: {result.text[:200]}")

    with ThreadPoolExecutor(_THREADS) as pool:
        slices = [turns[start::_THREADS] for start in range(_THREADS)]
        for done in [pool.submit(take_turns, each) for each in slices]:
            done.result()
    return failures


@contextmanager
def _temporary_node(probe: Probe, name: str) -> Iterator[str]:
    """Create a node, and delete it in the end.

    Yields:
        The value of the node's property `run`.
    """
    run = _new_run_id()
    arguments = {"query": _CREATE, "params": {"run": run}}
    result = call_tool_as(probe, name, "write-cypher", arguments)
    expect(not result.refused, f"write-cypher refuses {name}: {result.text}")
    try:
        yield run
    finally:
        arguments = {"query": _DELETE, "params": {"run": run}}
        call_tool_as(probe, name, "write-cypher", arguments)


def _expect_forbidden(
    probe: Probe, name: str, tool: str, arguments: Mapping[str, object], what: str
) -> None:
    result = call_tool_as(probe, name, tool, arguments)
    expect(result.refused, f"{name} can {what} with {tool}")
    refusals = (FORBIDDEN, _READ_ONLY_TOOL) if tool == "read-cypher" else (FORBIDDEN,)
    expect(
        any(refusal in result.text for refusal in refusals),
        f"{name} trying to {what} with {tool} gets {result.text!r} instead of {FORBIDDEN}",
    )


def _query_tools(context: Context) -> tuple[str, ...]:
    return ("read-cypher",) if context.settings.read_only else ("read-cypher", "write-cypher")


def _require_clients_with(context: Context, roles: frozenset[str]) -> list[str]:
    found = _clients_with(context, roles)
    if not found:
        raise Skipped(f"no client's highest role is {' or '.join(sorted(roles))}")
    return found


def _clients_with(context: Context, roles: frozenset[str]) -> list[str]:
    """Return the clients with only reading roles, or with any of the writing roles."""
    roles_of_client = {name: context.roles(name) for name in context.clients}
    if roles is _READING:
        return [name for name, each in roles_of_client.items() if each <= _READING]
    return [name for name, each in roles_of_client.items() if each & roles]


def _new_run_id() -> str:
    return uuid.uuid4().hex
