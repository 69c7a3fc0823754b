"""A stdio MCP server for desktop agents that forwards to the deployed one. Needs `bridge`.

Both sides are the MCP SDK's: its server on standard input and output, its client to the deployed
server, with this package's tokens. The deployed server keeps no session, so each request gets a
session of its own on kept-alive connections: nothing is left over that an outage could break.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from neo4j_mcp_client import calls, transport, trust
from neo4j_mcp_client.calls import Reply
from neo4j_mcp_client.credentials import require_tls
from neo4j_mcp_client.errors import ConfigurationError, Hop, Neo4jMcpError
from neo4j_mcp_client.tokens import TokenProvider
from neo4j_mcp_client.tool_failures import tool_failure
from neo4j_mcp_client.version import __version__

try:
    import httpx2
    import mcp_types as types
    from mcp import Client, MCPError
    from mcp.client.streamable_http import streamable_http_client
    from mcp.server.context import ServerRequestContext
    from mcp.server.lowlevel import Server
    from mcp.server.stdio import stdio_server

    from neo4j_mcp_client.httpx2 import BearerAuth
except ImportError as error:
    raise ConfigurationError(
        "The bridge needs the MCP SDK.", remedy="Run: pip install 'neo4j-mcp-client[bridge]'"
    ) from error

Result = TypeVar("Result")

_INSTRUCTIONS = (
    "A Neo4j database. Look at get-schema first, then query with read-cypher; write-cypher changes"
    " the graph, where this client's role may."
)


class Upstream:
    """The deployed server, as the bridge asks it."""

    def __init__(self, url: str, http: httpx2.AsyncClient) -> None:
        """Take the way to the server.

        Args:
            url: where it speaks MCP.
            http: sends the requests, with tokens.
        """
        self._url = url
        self._http = http

    async def list_tools(self, cursor: str | None) -> types.ListToolsResult:
        """List the tools.

        Args:
            cursor: where to go on.

        Returns:
            The server's own list.

        Raises:
            Neo4jMcpError: a hop of the way failed.
            MCPError: the server refuses.
        """
        return await self._ask(lambda client: client.list_tools(cursor=cursor))

    async def call_tool(self, name: str, arguments: dict[str, Any] | None) -> types.CallToolResult:
        """Call a tool.

        Args:
            name: its name.
            arguments: its arguments.

        Returns:
            The server's own result, which may be an error.

        Raises:
            Neo4jMcpError: a hop of the way failed.
            MCPError: the server refuses.
        """
        return await self._ask(lambda client: client.call_tool(name, arguments))

    async def _ask(self, question: Callable[[Client], Awaitable[Result]]) -> Result:
        started = time.monotonic()
        try:
            connection = streamable_http_client(self._url, http_client=self._http)
            async with Client(connection, mode="legacy") as client:
                return await question(client)
        except Exception as error:  # noqa: BLE001 - the SDK wraps what goes wrong in groups
            raise self._failure(error, time.monotonic() - started) from None

    def _failure(self, error: Exception, elapsed: float) -> Exception:
        cause = innermost(error)
        if isinstance(cause, httpx2.TransportError):
            return calls.no_answer(
                transport.failure(cause, hop=Hop.HOST, url=self._url, may_have_run=True),
                timeout=calls.TIMEOUT,
                elapsed=elapsed,
            )
        return cause


class _HttpClient(httpx2.AsyncClient):
    """Raises for what is no MCP answer, where the SDK would hide the HTTP status."""

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:  # noqa: ANN401 - httpx2's own
        started = time.monotonic()
        response = await super().send(request, **options)
        # A JSON-RPC error with such a status is the SDK's to read.
        if response.is_error and "json" not in response.headers.get("Content-Type", ""):
            body = await response.aread()
            calls.result_of(
                Reply(
                    status=response.status_code,
                    body=body,
                    retry_after=response.headers.get("Retry-After"),
                    elapsed=time.monotonic() - started,
                )
            )
        return response


@asynccontextmanager
async def upstream(
    url: str, tokens: TokenProvider, *, ca_bundle: str | None = None
) -> AsyncIterator[Upstream]:
    """Open the way to the deployed server; nothing is sent yet.

    Args:
        url: where it speaks MCP.
        tokens: the caller's tokens.
        ca_bundle: certificate authorities to trust, in PEM form; those that the environment names
            where None, else httpx2's own.

    Yields:
        The server.

    Raises:
        ConfigurationError: the URL is plain HTTP to another machine, or a file is missing.
    """
    require_tls(url, "url")
    async with _HttpClient(
        auth=BearerAuth(tokens, url=url),
        timeout=httpx2.Timeout(calls.TIMEOUT, connect=transport.CONNECT_TIMEOUT),
        verify=trust.ssl_context(trust.find_ca_bundle(ca_bundle)),
        headers={"User-Agent": transport.USER_AGENT},
    ) as http:
        yield Upstream(url, http)


def server(deployed: Upstream) -> Server[Any]:
    """Make the MCP server that desktop agents talk to.

    Args:
        deployed: where it forwards to.

    Returns:
        The server; it starts whether or not the deployed one answers, and says with each request
        what is wrong.
    """

    async def list_tools(
        _: ServerRequestContext[Any, Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        try:
            return await deployed.list_tools(params.cursor if params else None)
        except Neo4jMcpError as error:
            raise MCPError(code=types.INTERNAL_ERROR, message=str(error)) from None

    async def call_tool(
        _: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        try:
            return explained(await deployed.call_tool(params.name, params.arguments))
        except Neo4jMcpError as error:
            return types.CallToolResult(content=[_text(str(error))], is_error=True)

    return Server(
        "neo4j-mcp",
        version=__version__,
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve(url: str, tokens: TokenProvider, *, ca_bundle: str | None = None) -> None:
    """Run the bridge until standard input ends.

    Args:
        url: where the deployed server speaks MCP.
        tokens: the caller's tokens.
        ca_bundle: certificate authorities to trust, in PEM form.

    Raises:
        ConfigurationError: the URL is plain HTTP to another machine, or a file is missing.
    """
    async with upstream(url, tokens, ca_bundle=ca_bundle) as deployed:
        bridge = server(deployed)
        async with stdio_server() as (incoming, outgoing):
            await bridge.run(incoming, outgoing, bridge.create_initialization_options())


def explained(result: types.CallToolResult) -> types.CallToolResult:
    """Add to an error of the server what mends it.

    Args:
        result: what the server answers.

    Returns:
        The same result; where it is an error, with the remedy behind it.
    """
    if not result.is_error:
        return result
    said = "".join(each.text for each in result.content if isinstance(each, types.TextContent))
    remedy = tool_failure(said).remedy
    return result.model_copy(update={"content": [*result.content, _text(remedy)]})


def innermost(error: Exception) -> Exception:
    """Take an exception out of the groups that task groups put around it.

    Args:
        error: an exception or a group.

    Returns:
        The first exception that is no group.
    """
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)
