"""`AsyncNeo4jMcp`, the client for asyncio, on httpx2."""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from neo4j_mcp_client import calls, transport, trust
from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.base import BaseClient, Credentials, Options
from neo4j_mcp_client.calls import Attempts, Call, Reply, Tool
from neo4j_mcp_client.errors import ConfigurationError, Hop, Neo4jMcpError, TokenExpiredError
from neo4j_mcp_client.tokens import SERVER_LIMIT
from neo4j_mcp_client.values import warn_of_lost_values

try:
    import httpx2
except ImportError as error:
    raise ConfigurationError(
        "AsyncNeo4jMcp needs httpx2.", remedy="Run: pip install 'neo4j-mcp-client[async]'"
    ) from error

Value = TypeVar("Value")

_UNSENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
)


class AsyncNeo4jMcp(BaseClient):
    """Calls Neo4j's MCP server from asyncio tasks; the counterpart of `Neo4jMcp`."""

    def __init__(self, url: str, credentials: Credentials, **options: Unpack[Options]) -> None:
        """Create a client, as `BaseClient` does; nothing is sent before the first call."""
        super().__init__(url, credentials, **options)
        self._http = httpx2.AsyncClient(
            headers=calls.HEADERS,
            timeout=httpx2.Timeout(self._timeout, connect=transport.CONNECT_TIMEOUT),
            verify=trust.ssl_context(self._ca_bundle),
            limits=httpx2.Limits(max_connections=self._connections),
        )

    async def tools(self) -> list[Tool]:
        """List the tools, like `Neo4jMcp.tools`."""
        return await self.send(calls.list_tools())

    async def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - a tool answers any JSON
        """Call a tool, like `Neo4jMcp.call`."""
        value = await self.send(calls.call_tool(name, arguments))
        if name in calls.CYPHER_TOOLS:
            warn_of_lost_values(value)
        return value

    async def schema(self) -> list[dict[str, Any]]:
        """Read the graph's schema, like `Neo4jMcp.schema`."""
        return await self.send(calls.get_schema())

    async def read(
        self, query: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Run a read-only query, like `Neo4jMcp.read`."""
        rows = await self.send(calls.run_cypher(query, params, read_only=True))
        warn_of_lost_values(rows)
        return rows

    async def write(
        self, query: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Run a query that may write, like `Neo4jMcp.write`."""
        rows = await self.send(calls.run_cypher(query, params, read_only=False))
        warn_of_lost_values(rows)
        return rows

    async def send(self, call: Call[Value]) -> Value:
        """Send a call, like `Neo4jMcp.send`."""
        attempts = Attempts(read_only=call.read_only, back_off=self._back_off)
        while True:
            token = await self._tokens.token_async(SERVER_LIMIT)
            try:
                return call.read(await self._post(call.body, token))
            except Neo4jMcpError as error:
                retry = attempts.after(error)
                if retry is None:
                    raise
                expired = isinstance(error, TokenExpiredError)
                if retry.renew and not self._tokens.invalidate(token, expired=expired):
                    raise
            await asyncio.sleep(retry.pause)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.close()

    async def _post(self, body: bytes, token: AccessToken) -> Reply:
        started = time.monotonic()
        try:
            response = await self._http.post(
                self._url, content=body, headers={"Authorization": token.authorization}
            )
        # Not only TransportError: also DecodingError, InvalidURL, StreamError and others.
        except Exception as error:  # noqa: BLE001
            elapsed = time.monotonic() - started
            failure = transport.network_error(
                error, hop=Hop.HOST, url=self._url, may_have_run=not isinstance(error, _UNSENT)
            )
        else:
            return Reply.of(response, elapsed=time.monotonic() - started, limits=self._limits)
        raise calls.timeout_or_network_error(
            failure, timeout=self._timeout, elapsed=elapsed, limits=self._limits
        )
