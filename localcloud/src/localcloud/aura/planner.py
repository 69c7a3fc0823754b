"""Gets the plans of queries, so that the gateway can check them before they run."""

import asyncio
import re
from collections import OrderedDict
from functools import lru_cache
from typing import Final

from localcloud.aura.handshake import SUPPORTED
from localcloud.aura.messages import BoltError, Code, Request, metadata_of
from localcloud.aura.packstream import Structure, Value, pack
from localcloud.aura.roles import Plan, Procedure, Role, denial, with_explain
from localcloud.aura.upstream import Database, Upstream, database_unavailable

_VERSION: Final = SUPPORTED[0]
_SECONDS: Final = 30.0
_CONNECTIONS: Final = 8
_MAX_PLANS: Final = 1000
_MAX_CACHED_TEXT: Final = 16 * 1024
_MAX_PARAMETERS: Final = 64 * 1024
_PREFIX: Final = "EXPLAIN "
_QUOTED: Final = f'\n"{_PREFIX}'
_POSITION: Final = re.compile(r"\(line (\d+), column (\d+) \(offset: (\d+)\)\)")
_CARET: Final = re.compile(r"\n {8}( *\^)")
_PULL_ALL: Final = pack(Structure(Request.PULL, ({"n": -1},)))


class QueryPlanner:
    """Gets plans of queries over its own few connections, and caches them by the query's text.

    As far as permissions are concerned, a plan's operators depend only on the text and on the
    database's procedures, so a cached plan stays valid. So does what a role may do with it.
    """

    def __init__(self, database: Database) -> None:
        """Create a planner, which opens connections when it needs them."""
        self._database = database
        self._idle: list[Upstream] = []
        # A query that takes long to plan must not block the others.
        self._slots = asyncio.Semaphore(_CONNECTIONS)
        self._plans: OrderedDict[tuple[str | None, str], Plan] = OrderedDict()
        self._procedures: dict[str, Procedure] | None = None
        self._known_denial = lru_cache(_MAX_PLANS)(self._denial)

    async def denial(self, role: Role, text: str, plan: Plan) -> str | None:
        """Decide whether a role may run a query, as `roles.denial` does; decisions are cached.

        Raises:
            BoltError: the database can't be reached.
        """
        await self.procedures()
        decide = self._known_denial if len(text) <= _MAX_CACHED_TEXT else self._denial
        return decide(role, text, plan)

    def _denial(self, role: Role, text: str, plan: Plan) -> str | None:
        return denial(role, text, plan, self._procedures or {})

    async def procedures(self) -> dict[str, Procedure]:
        """Return the database's procedures by name; the list is cached.

        Raises:
            BoltError: the database can't be reached.
        """
        if self._procedures is None:
            _, records = await self._run("SHOW PROCEDURES YIELD name, mode, admin", pack({}), None)
            self._procedures = {
                str(name): Procedure(str(name), str(mode), admin is not False)
                for name, mode, admin in records
            }
        return self._procedures

    async def plan(self, text: str, parameters: bytes, database: str | None) -> Plan:
        """Get the plan of a query without running it.

        Args:
            text: the query.
            parameters: its parameters, packed.
            database: the name of the database; None for the home database.

        Raises:
            BoltError: the database rejects the query, or can't be reached.
        """
        key = (database, text)
        if (known := self._plans.get(key)) is not None:
            self._plans.move_to_end(key)
            return known
        # A plan hardly ever depends on the values of parameters, and large ones would take long.
        values = parameters if len(parameters) <= _MAX_PARAMETERS else pack({})
        try:
            summary, _ = await self._run(with_explain(text), values, database)
        except BoltError as error:
            raise BoltError(error.code, without_explain(error.message)) from None
        plan = read_plan(summary)
        if len(text) <= _MAX_CACHED_TEXT:
            self._plans[key] = plan
            if len(self._plans) > _MAX_PLANS:
                self._plans.popitem(last=False)
        return plan

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    async def _run(
        self, text: str, parameters: bytes, database: str | None
    ) -> tuple[Value, list[list[Value]]]:
        extra: dict[str, Value] = {} if database is None else {"db": database}
        # A structure's fields simply follow one another, so packed parameters need no unpacking.
        run = bytes((0xB3, Request.RUN)) + pack(text) + parameters + pack(extra)
        async with self._slots:
            try:
                async with asyncio.timeout(_SECONDS):
                    return await self._attempt(run)
            except TimeoutError:
                raise database_unavailable() from None

    async def _attempt(self, run: bytes) -> tuple[Value, list[list[Value]]]:
        fresh = not self._idle
        upstream = await self._connect() if fresh else self._idle.pop()
        try:
            response = await upstream.request_packed(run, _PULL_ALL)
        except BoltError as error:
            if error.code != Code.UNAVAILABLE:
                await self._recover(upstream)
                raise
            upstream.close()
            if fresh:
                raise
            # The database may have closed an idle connection.
            return await self._attempt(run)
        except BaseException:
            # Nobody would read the responses that are still to come.
            upstream.close()
            raise
        self._idle.append(upstream)
        return response

    async def _connect(self) -> Upstream:
        upstream = await Upstream.open(self._database.port, _VERSION)
        try:
            await upstream.log_on(self._database, _VERSION)
        except BaseException:
            upstream.close()
            raise
        return upstream

    async def _recover(self, upstream: Upstream) -> None:
        try:
            await upstream.request(Structure(Request.RESET))
        except BaseException as error:
            upstream.close()
            if not isinstance(error, BoltError):
                raise
        else:
            self._idle.append(upstream)


def read_plan(summary: Value) -> Plan:
    """Parse the plan in a query's last SUCCESS message.

    Raises:
        BoltError: there is none, so the query can't be checked.
    """
    metadata = metadata_of(summary)
    root, query_type = metadata.get("plan"), metadata.get("type")
    if not isinstance(root, dict) or not isinstance(query_type, str):
        raise BoltError(Code.FORBIDDEN, "The database returned no plan of the query.")
    operators: list[tuple[str, str]] = []
    waiting: list[Value] = [root]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        arguments = node.get("args")
        details = arguments.get("Details") if isinstance(arguments, dict) else None
        operators.append((str(node.get("operatorType")), str(details or "")))
        children = node.get("children")
        if isinstance(children, list):
            waiting += children
    return Plan(query_type, tuple(operators))


def without_explain(message: str) -> str:
    """Correct the positions and the quoted query in an error message for the added EXPLAIN."""
    found = _POSITION.search(message)
    if found is None or _QUOTED not in message:
        return message
    line, column, offset = (int(number) for number in found.groups())
    first = line == 1
    position = (
        f"(line {line}, column {column - len(_PREFIX) if first else column} "
        f"(offset: {offset - len(_PREFIX)}))"
    )
    moved = message.replace(found[0], position, 1).replace(_QUOTED, '\n"', 1)
    return _CARET.sub(r"\n\1", moved) if first else moved
