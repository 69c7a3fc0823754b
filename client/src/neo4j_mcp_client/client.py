"""`Neo4jMcp`, the client for threads, on requests."""

import io
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import requests
from requests.adapters import HTTPAdapter

from neo4j_mcp_client import calls, transport
from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.auth import FixedBearerAuth
from neo4j_mcp_client.base import BaseClient, Credentials, Options
from neo4j_mcp_client.calls import Attempts, Call, Reply, Tool
from neo4j_mcp_client.errors import Hop, Neo4jMcpError, TokenExpiredError
from neo4j_mcp_client.forks import on_fork
from neo4j_mcp_client.tokens import SERVER_LIMIT
from neo4j_mcp_client.values import warn_of_lost_values

Value = TypeVar("Value")


class Neo4jMcp(BaseClient):
    """Calls Neo4j's MCP server, from one or several threads.

    The server is stateless, so each call is one HTTP request without an `initialize` before it.
    Connections are kept alive. The first call requests a token, which is renewed in time.
    """

    def __init__(self, url: str, credentials: Credentials, **options: Unpack[Options]) -> None:
        """Create a client, as `BaseClient` does; nothing is sent before the first call."""
        super().__init__(url, credentials, **options)
        self._connect()
        # On shared connections, parent and child would read each other's responses.
        on_fork(self._connect)

    def _connect(self) -> None:
        self._session = requests.Session()
        self._session.mount(
            self._url,
            HTTPAdapter(
                pool_connections=1,
                pool_maxsize=self._connections,
                pool_block=True,
            ),
        )

    def tools(self) -> list[Tool]:
        """List the tools that the server offers.

        Raises:
            Neo4jMcpError: the call failed; its subclasses say where and why.
        """
        return self.send(calls.list_tools())

    def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - a tool answers any JSON
        """Call a tool.

        Raises:
            Neo4jMcpError: the call failed; its subclasses say where and why.
            ParameterError: a query parameter would arrive changed.
            TypeError: an argument can't be written as JSON.
        """
        value = self.send(calls.call_tool(name, arguments))
        if name in calls.CYPHER_TOOLS:
            warn_of_lost_values(value)
        return value

    def schema(self) -> list[dict[str, Any]]:
        """Read the graph's schema with get-schema.

        Raises:
            Neo4jMcpError: the call failed; its subclasses say where and why.
        """
        return self.send(calls.get_schema())

    def read(self, query: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Run a read-only query with read-cypher.

        It is retried after network failures and transient errors, since a read may run twice.

        Raises:
            Neo4jMcpError: the call failed; its subclasses say where and why.
            ParameterError: a parameter would arrive changed.
            TypeError: a parameter can't be written as JSON.
        """
        rows = self.send(calls.run_cypher(query, params, read_only=True))
        warn_of_lost_values(rows)
        return rows

    def write(self, query: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Run a query that may write with write-cypher.

        It is retried only if it was never sent, or if its token was rejected.

        Raises:
            Neo4jMcpError: the call failed; its subclasses say where and why, and its attribute
                `may_have_run` whether the query may have been executed.
            ParameterError: a parameter would arrive changed.
            TypeError: a parameter can't be written as JSON.
        """
        rows = self.send(calls.run_cypher(query, params, read_only=False))
        warn_of_lost_values(rows)
        return rows

    def send(self, call: Call[Value]) -> Value:
        """Send a call of `neo4j_mcp_client.calls`, with retries.

        Raises:
            Neo4jMcpError: the call failed; its subclasses say where and why.
        """
        attempts = Attempts(read_only=call.read_only, back_off=self._back_off)
        while True:
            token = self._tokens.token(SERVER_LIMIT)
            try:
                return call.read(self._post(call.body, token))
            except Neo4jMcpError as error:
                retry = attempts.after(error)
                if retry is None:
                    raise
                expired = isinstance(error, TokenExpiredError)
                if retry.renew and not self._tokens.invalidate(token, expired=expired):
                    raise
            time.sleep(retry.pause)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def _post(self, body: bytes, token: AccessToken) -> Reply:
        started = time.monotonic()
        content = _Body(body)
        try:
            response = self._session.post(
                self._url,
                data=content,
                headers=calls.HEADERS,
                # Not as a header, which requests would replace with credentials from a .netrc file.
                auth=FixedBearerAuth(token),
                timeout=(transport.CONNECT_TIMEOUT, self._timeout),
                verify=self._ca_bundle or True,
                allow_redirects=False,
            )
        # Not only RequestException: requests doesn't wrap all exceptions of urllib3.
        except Exception as error:  # noqa: BLE001
            elapsed = time.monotonic() - started
            failure = transport.network_error(
                error, hop=Hop.HOST, url=self._url, may_have_run=content.was_sent
            )
        else:
            return Reply.of(response, elapsed=time.monotonic() - started, limits=self._limits)
        raise calls.timeout_or_network_error(
            failure, timeout=self._timeout, elapsed=elapsed, limits=self._limits
        )


class _Body(io.BytesIO):
    """A request body that records whether it was sent.

    An exception doesn't reveal whether there was a connection, since TLS fails in the same way
    before and after. The body is read once the connection is established.
    """

    was_sent = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.was_sent = True
        return super().read(size)
