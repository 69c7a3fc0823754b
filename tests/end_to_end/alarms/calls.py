"""Calls that callers make while an alarm's fault lasts."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import httpx2
import neo4j

from automation.checks.mcp import ToolResult, call_tool
from tests.end_to_end.breakage import World
from tests.waiting import wait_until

_WRITER: Final = "writer"
_NODE: Final = "(n:AlarmTest {name: 'locked'})"


def query(world: World, text: str, *, client: str = _WRITER, url: str | None = None) -> ToolResult:
    """Send a query to the server once.

    Args:
        world: the stack.
        text: the query.
        client: the caller.
        url: the server's address, if it isn't the output mcpUrl.
    """
    address = url or world.outputs["mcpUrl"]
    with world.context.http_client() as http:
        token = world.context.token(client)
        try:
            return call_tool(http, address, "write-cypher", {"query": text}, token=token)
        except httpx2.TransportError as error:
            return ToolResult(status=0, refused=True, text=type(error).__name__)


def read(world: World, *, url: str | None = None) -> ToolResult:
    """Send a query that succeeds unless something is wrong."""
    return query(world, "RETURN 1 AS one", url=url)


@contextmanager
def waiting_calls(world: World, number: int) -> Iterator[None]:
    """Make calls that last until the end of the block, because they wait for a lock."""
    with (
        _administrator(world) as driver,
        ThreadPoolExecutor(number) as callers,
        driver.session() as session,
    ):
        session.run(f"MERGE {_NODE} SET n.count = 0").consume()
        with session.begin_transaction() as transaction:
            transaction.run(f"MATCH {_NODE} SET n.locked = true").consume()
            text = f"MATCH {_NODE} SET n.count = 1"
            calls = [callers.submit(query, world, text) for _ in range(number)]
            with driver.session() as observer:
                wait_until(lambda: _waiting(observer) == number, "the calls wait for the lock")
                yield
            transaction.rollback()
        for call in calls:
            call.result()
        session.run(f"MATCH {_NODE} DELETE n").consume()


def _administrator(world: World) -> neo4j.Driver:
    known = json.loads(world.running.console_credentials.read_text(encoding="utf-8"))
    return neo4j.GraphDatabase.driver(
        world.running.bolt_uri, auth=(known["username"], known["password"])
    )


def _waiting(session: neo4j.Session) -> int:
    """Return how many transactions wait for a lock."""
    found = session.run("SHOW TRANSACTIONS YIELD status").value()
    return sum(str(each).startswith("Blocked") for each in found)
