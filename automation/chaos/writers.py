"""Callers that write with the client library, each write with an id."""

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import neo4j
import neo4j.exceptions
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from automation.chaos.writes import Attempt, Way
from automation.checks.verdicts import Undecided
from automation.drills.callers import failure_kind
from neo4j_mcp_client import Neo4jMcp, Neo4jMcpError, TokenProvider

_LABEL: Final = "ChaosWrite"
_LOCK_LABEL: Final = "ChaosWriter"
_LOCKS: Final = f"UNWIND $numbers AS number CREATE (:{_LOCK_LABEL} {{run: $run, number: number}})"
_CREATE: Final = f"CREATE (n:{_LABEL} {{run: $run, id: $id}}) RETURN n.id AS id"
# Without a constraint, two MERGEs of the same node can run at once and both create it, such as an
# attempt that its caller has given up and the next one. Each waits for the caller's lock first,
# because these clients' role must not create a constraint.
_MERGE: Final = (
    f"MATCH (w:{_LOCK_LABEL} {{run: $run, number: $number}}) SET w.last = $id"
    f" MERGE (n:{_LABEL} {{run: $run, id: $id}}) RETURN n.id AS id"
)
_FIND: Final = f"MATCH (n:{_LABEL} {{run: $run}}) RETURN n.id AS id, count(*) AS times"
_DELETE: Final = (
    f"MATCH (n:{_LABEL}|{_LOCK_LABEL} {{run: $run}}) WITH n LIMIT $most DELETE n"
    " RETURN count(*) AS deleted"
)
_MOST_DELETED: Final = 5000
_RENEW_EVERY: Final = 20
"""Calls after which a group of callers needs a new token, so that token faults reach it."""


class WrongWriteError(Exception):
    """A write was acknowledged with another id than its own."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """The nodes of one run in the database.

    Attributes:
        id: distinguishes them from those of other runs.
        connect: connects to the database directly.
        patience: seconds for which the database may be unavailable.
    """

    id: str
    connect: Callable[[], neo4j.Driver]
    patience: float

    def prepare(self, client: Neo4jMcp, callers: int) -> None:
        """Create the nodes that callers lock.

        Raises:
            Neo4jMcpError: they can't be created.
        """
        client.write(_LOCKS, {"run": self.id, "numbers": list(range(callers))})

    def find(self) -> dict[str, int]:
        """Return how often the database has each write.

        Raises:
            Undecided: it can't be asked.
        """
        records = self._ask(_FIND)
        return {str(each["id"]): int(each["times"]) for each in records}

    def remove(self) -> None:
        """Delete the run's nodes.

        Raises:
            Undecided: they can't be deleted.
        """
        while self._ask(_DELETE, most=_MOST_DELETED)[0]["deleted"]:
            pass

    def _ask(self, query: str, **parameters: object) -> list[neo4j.Record]:
        def ask() -> list[neo4j.Record]:
            with self.connect() as driver:
                return driver.execute_query(query, {"run": self.id, **parameters}).records

        attempts = Retrying(
            retry=retry_if_exception_type(
                (neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError)
            ),
            stop=stop_after_delay(self.patience),
            wait=wait_fixed(1),
            reraise=True,
        )
        try:
            return attempts(ask)
        except (neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError) as error:
            raise Undecided(f"the database can't be asked for the writes: {error}") from error


class Writers:
    """A group of callers that write in the same way; calling it makes one call."""

    def __init__(self, way: Way, run: Run, client: Neo4jMcp, tokens: TokenProvider) -> None:
        """Prepare the first call.

        Args:
            client: makes the calls, with these tokens.
        """
        self.way = way
        self.client = client
        self._run = run
        self._tokens = tokens
        self._prefix = f"{way.name.lower()}-"
        self._attempts: list[Attempt] = []
        self._numbers = itertools.count()
        self._ids = itertools.count()
        self._calls = itertools.count(1)
        self._thread = threading.local()

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The calls that have ended."""
        return tuple(self._attempts)

    def owns(self, write: str) -> bool:
        """Return whether a write is this group's."""
        return write.startswith(self._prefix)

    def __call__(self) -> None:
        """Write once: what failed before, if this way repeats it, or else something new.

        Raises:
            Neo4jMcpError: the call failed.
            WrongWriteError: it acknowledged another write.
        """
        write = self._next_write()
        began = time.monotonic()
        try:
            self._write(write)
        except Exception as error:
            self._attempts.append(_failed(write, time.monotonic() - began, error))
            raise
        self._attempts.append(Attempt(write=write, seconds=time.monotonic() - began))
        self._thread.failed = None

    def _next_write(self) -> str:
        failed: str | None = getattr(self._thread, "failed", None)
        if failed is not None and self.way is not Way.ONCE:
            return failed
        write = f"{self._prefix}{next(self._ids)}"
        self._thread.failed = write
        return write

    def _write(self, write: str) -> None:
        if next(self._calls) % _RENEW_EVERY == 0:
            self._tokens.invalidate(self._tokens.token(), expired=True)
        parameters: Mapping[str, object] = {"run": self._run.id, "id": write}
        if self.way is Way.MERGED:
            rows = self.client.write(_MERGE, {**parameters, "number": self._number()})
        else:
            rows = self.client.write(_CREATE, parameters)
        if rows != [{"id": write}]:
            raise WrongWriteError(f"the write {write} was acknowledged with {rows!r}")

    def _number(self) -> int:
        if not hasattr(self._thread, "number"):
            self._thread.number = next(self._numbers)
        number: int = self._thread.number
        return number


def _failed(write: str, seconds: float, error: Exception) -> Attempt:
    named = isinstance(error, Neo4jMcpError)
    return Attempt(
        write=write,
        seconds=seconds,
        failure=failure_kind(error),
        message=str(error),
        is_named=named,
        # Nothing else says what became of the call.
        may_have_run=error.may_have_run if isinstance(error, Neo4jMcpError) else True,
    )
