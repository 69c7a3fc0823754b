"""Calls of the database itself: the statements that the server runs, through Neo4j's driver."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import neo4j
from neo4j.auth_management import AuthManager
from neo4j.exceptions import DriverError, Neo4jError

from automation.errors import AutomationError
from automation.load.mix import Entry, Mix
from automation.load.outcomes import Failure
from neo4j_mcp_client.calls import CYPHER_TOOLS, READ_ONLY_TOOLS

_CONNECTING: Final = 10.0
_LONGEST: Final = 60.0
"""Seconds that a query may take: the server's own limit for a call."""
# Source: get_schema_handler.go in neo4j/mcp.
_SCHEMA: Final = (
    "CALL apoc.meta.schema({sample: $sampleSize}) YIELD value"
    " UNWIND keys(value) AS key WITH key, value[key] AS value"
    " RETURN key, value { .properties, .type, .relationships } AS value"
)


class BoltError(AutomationError):
    """The database can't be called directly; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a call runs in the database.

    Attributes:
        writes: whether it needs a database that accepts writes.
    """

    query: str
    parameters: Mapping[str, Any]
    writes: bool

    @property
    def routing(self) -> neo4j.RoutingControl:
        """Which of a cluster's servers run it."""
        return neo4j.RoutingControl.WRITE if self.writes else neo4j.RoutingControl.READ


def explanation(explained: Statement) -> Statement:
    """Return the statement with which the server finds out whether another one writes."""
    # Source: GetQueryType in service.go of neo4j/mcp, which doesn't ask for a reader.
    return Statement(
        query=f"EXPLAIN {explained.query}", parameters=explained.parameters, writes=True
    )


def statement(entry: Entry, identity: str, *, schema_sample_size: int) -> Statement:
    """Return the statement that a call runs.

    Args:
        identity: the text in the call's unique parameter.
        schema_sample_size: how many nodes the schema's query samples.
    """
    arguments = entry.arguments_of(identity)
    is_cypher = entry.tool in CYPHER_TOOLS
    return Statement(
        query=arguments["query"] if is_cypher else _SCHEMA,
        parameters=arguments.get("params", {}) if is_cypher else {"sampleSize": schema_sample_size},
        writes=entry.tool not in READ_ONLY_TOOLS,
    )


class _Current(AuthManager):
    """The current credentials, which each connection that is used logs on with."""

    def __init__(self, auth: Callable[[], neo4j.Auth]) -> None:
        self._auth = auth

    def get_auth(self) -> neo4j.Auth:
        return self._auth()

    def handle_security_exception(self, auth: object, error: Neo4jError) -> bool:
        del auth, error
        return False


class Database:
    """A database that is called directly."""

    def __init__(self, driver: neo4j.Driver, name: str, *, schema_sample_size: int) -> None:
        """Call a database by its name."""
        self._driver = driver
        self._name = name
        self._schema_sample_size = schema_sample_size

    def execute(self, entry: Entry, identity: str) -> Failure | None:
        """Make a call, and return why it failed, if it did."""
        return self._run(self._statement(entry, identity))

    def execute_as_server(self, entry: Entry, identity: str) -> Failure | None:
        """Make a call with all statements that the server runs for it."""
        made = self._statement(entry, identity)
        first = self._run(explanation(made)) if entry.tool == "read-cypher" else None
        return first or self._run(made)

    def _statement(self, entry: Entry, identity: str) -> Statement:
        return statement(entry, identity, schema_sample_size=self._schema_sample_size)

    def _run(self, made: Statement) -> Failure | None:
        query = neo4j.Query(cast("Any", made.query), timeout=_LONGEST)
        try:
            self._driver.execute_query(
                query, dict(made.parameters), routing_=made.routing, database_=self._name
            )
        except Neo4jError as error:
            return Failure(kind=error.code or type(error).__name__, message=error.message or "")
        except DriverError as error:
            return Failure(kind=type(error).__name__, message=str(error))
        return None


@contextmanager
def connected(
    uri: str,
    name: str,
    auth: Callable[[], neo4j.Auth],
    mix: Mix,
    *,
    schema_sample_size: int,
    most: int,
) -> Iterator[Database]:
    """Connect to a database.

    Args:
        auth: returns the credentials to log on with, without waiting.
        mix: the calls that will be made.
        schema_sample_size: how many nodes the schema's query samples.
        most: how many calls may be under way at once.

    Raises:
        BoltError: it can't be reached, or a call of the mix isn't Cypher.
    """
    known = CYPHER_TOOLS | {"get-schema"}
    if others := sorted({each.tool for each in mix.entries} - known):
        raise BoltError(f"the mix calls {', '.join(others)}, which is no Cypher of the mix")
    with neo4j.GraphDatabase.driver(
        uri,
        auth=_Current(auth),
        connection_timeout=_CONNECTING,
        connection_acquisition_timeout=_LONGEST,
        max_connection_pool_size=most,
        # A call is made once, as through the server.
        max_transaction_retry_time=0.0,
    ) as driver:
        try:
            driver.verify_connectivity()
        except (Neo4jError, DriverError) as error:
            raise BoltError(f"this machine can't use the database at {uri}: {error}") from error
        yield Database(driver, name, schema_sample_size=schema_sample_size)
