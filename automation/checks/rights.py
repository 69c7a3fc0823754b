"""P5: what each client may do to the graph, alone and side by side with another."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Final

from automation.checks.context import Context
from automation.checks.inspection import Inspection
from automation.checks.mcp import ToolAnswer, call
from automation.checks.registry import check
from automation.checks.verdicts import Failed, Skipped, expect, expect_equal

LABEL: Final = "AutomationCheck"
"""The label of every node that a check writes; it takes them away again."""

_FORBIDDEN: Final = "Neo.ClientError.Security.Forbidden"
# What read-cypher says itself, before it asks the database. Source: the server, release 1.6.
_READS_ONLY: Final = "read-cypher can only run read-only Cypher"
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
_AT_ONCE: Final = 8
_ISOLATION_LIMIT: Final = 1800.0


@check("P5-reader-cannot-write")
def reader_cannot_write(inspection: Inspection) -> None:
    """A client that may only read can't write, by any tool."""
    context = inspection.context
    run = _run_id()
    for name in _clients(context, _READING):
        for tool in _tools(context):
            arguments = {"query": _CREATE, "params": {"run": run}}
            _expect_forbidden(inspection, name, tool, arguments, "write")
        expect_equal("the nodes that were written", count(inspection, name, run), 0)


@check("P5-reader-cannot-index")
def reader_cannot_index(inspection: Inspection) -> None:
    """A client that may only read can't create an index."""
    create = f"CREATE INDEX {_INDEX} FOR (n:{LABEL}) ON (n.run)"
    context = inspection.context
    for name in _clients(context, _READING):
        for tool in _tools(context):
            try:
                _expect_forbidden(inspection, name, tool, {"query": create}, "create an index")
            except Failed:
                _call(inspection, name, tool, {"query": f"DROP INDEX {_INDEX} IF EXISTS"})
                raise


@check("P5-reader-cannot-administer")
def reader_cannot_administer(inspection: Inspection) -> None:
    """A client that may only read can't call what is the administrator's."""
    context = inspection.context
    for name in _clients(context, _READING):
        for query in _ADMINISTRATION:
            for tool in _tools(context):
                _expect_forbidden(inspection, name, tool, {"query": query}, f"run {query}")


@check("P5-writer-can-write")
def writer_can_write(inspection: Inspection) -> None:
    """A client that may write does, reads it back, and takes it away."""
    context = inspection.context
    if context.settings.read_only:
        raise Skipped("the server is configured to read only")
    for name in _clients(context, _WRITING):
        with _written(inspection, name) as run:
            expect_equal(f"the nodes that {name} wrote", count(inspection, name, run), 1)
        expect_equal("the nodes that are left", count(inspection, name, run), 0)


@check("P5-isolation", limit=_ISOLATION_LIMIT, serial=True)
def isolation(inspection: Inspection) -> None:
    """Clients that call at once never get each other's name or rights."""
    context = inspection.context
    if len(context.clients) < 2:  # noqa: PLR2004 - one has nobody to be mixed up with
        raise Skipped("the stack has one client only")
    run = _run_id()
    turns = list(islice(cycle(context.clients), context.interleavings))
    failures = _interleaved(context, turns, run)
    name = next(iter(context.clients))
    written = count(inspection, name, run)
    inspection.note(
        f"{len(turns)} calls in {_AT_ONCE} threads, the clients {', '.join(context.clients)}"
        " taking turns on the same connections",
        {"wrong": failures[:10], "nodes that readers wrote": written},
    )
    expect(not failures, f"{len(failures)} of {len(turns)} calls went wrong: {failures[:1]}")
    expect_equal("the nodes that readers wrote", written, 0)


def count(inspection: Inspection, name: str, run: str) -> int:
    """Count what a check has written.

    Args:
        inspection: the check's view.
        name: the client that counts.
        run: the id that the check's nodes carry.

    Returns:
        The number of nodes.

    Raises:
        Failed: the client can't read.
    """
    arguments = {"query": _COUNT, "params": {"run": run}}
    answer = _call(inspection, name, "read-cypher", arguments)
    expect(not answer.refused, f"read-cypher refuses {name}: {answer.text}")
    return int(json.loads(answer.text)[0]["nodes"])


def _interleaved(context: Context, turns: list[str], run: str) -> list[str]:
    """Call as one client and another in turn, from several threads; what went wrong."""
    users = {name: client["clientId"] for name, client in context.clients.items()}
    readers = set(_named(context, _READING))
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
                    answer = call(http, url, "write-cypher", arguments, token=token)
                    if not answer.refused or _FORBIDDEN not in answer.text:
                        failures.append(f"{name} writing is answered {answer.text!r}")
                    continue
                query = {"query": "SHOW CURRENT USER"}
                answer = call(http, url, "read-cypher", query, token=token)
                user = None if answer.refused else json.loads(answer.text)[0]["user"]
                if user != users[name]:
                    failures.append(f"{name} is {user!r}: {answer.text[:200]}")

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        slices = [turns[start::_AT_ONCE] for start in range(_AT_ONCE)]
        for done in [pool.submit(take_turns, each) for each in slices]:
            done.result()
    return failures


@contextmanager
def _written(inspection: Inspection, name: str) -> Iterator[str]:
    """Write a node, and take it away again."""
    run = _run_id()
    arguments = {"query": _CREATE, "params": {"run": run}}
    answer = _call(inspection, name, "write-cypher", arguments)
    expect(not answer.refused, f"write-cypher refuses {name}: {answer.text}")
    try:
        yield run
    finally:
        arguments = {"query": _DELETE, "params": {"run": run}}
        _call(inspection, name, "write-cypher", arguments)


def _expect_forbidden(
    inspection: Inspection, name: str, tool: str, arguments: Mapping[str, object], what: str
) -> None:
    answer = _call(inspection, name, tool, arguments)
    expect(answer.refused, f"{name} can {what} by {tool}")
    refusals = (_FORBIDDEN, _READS_ONLY) if tool == "read-cypher" else (_FORBIDDEN,)
    expect(
        any(refusal in answer.text for refusal in refusals),
        f"{name} trying to {what} by {tool} is answered {answer.text!r}, which is no {_FORBIDDEN}",
    )


def _call(
    inspection: Inspection, name: str, tool: str, arguments: Mapping[str, object]
) -> ToolAnswer:
    context = inspection.context
    url, token = context.outputs["mcpUrl"], context.token(name)
    return call(inspection.http, url, tool, arguments, token=token)


def _tools(context: Context) -> tuple[str, ...]:
    return ("read-cypher",) if context.settings.read_only else ("read-cypher", "write-cypher")


def _clients(context: Context, roles: frozenset[str]) -> list[str]:
    found = _named(context, roles)
    if not found:
        raise Skipped(f"no client's highest role is {' or '.join(sorted(roles))}")
    return found


def _named(context: Context, roles: frozenset[str]) -> list[str]:
    """Name the clients whose rights are known from their roles alone."""
    mapped = context.outputs["scopes"]
    given = {
        name: {mapped[scope] for scope in client["scopes"]}
        for name, client in context.clients.items()
    }
    if roles is _READING:
        return [name for name, each in given.items() if each <= _READING]
    return [name for name, each in given.items() if each & roles]


def _run_id() -> str:
    return uuid.uuid4().hex
