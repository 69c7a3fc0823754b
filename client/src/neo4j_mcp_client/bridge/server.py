"""The MCP server for a desktop agent, on standard input and output."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import mcp_types as types
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from neo4j_mcp_client.bridge import limit
from neo4j_mcp_client.bridge.catalogue import Catalogue, KnownServers, release_catalogue
from neo4j_mcp_client.bridge.upstream import Target, Upstream
from neo4j_mcp_client.calls import CYPHER_TOOLS
from neo4j_mcp_client.errors import Neo4jMcpError, ToolError, ToolNotFoundError
from neo4j_mcp_client.values import lost_values
from neo4j_mcp_client.version import __version__

if TYPE_CHECKING:
    from mcp.server.session import ServerSession

Result = TypeVar("Result")
Context = ServerRequestContext[Any, Any]

_LIST_TIMEOUT = 3.0
"""Seconds to wait for the server's tools before an agent gets the last known ones."""

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_PROGRESS_INTERVAL = 10.0
_GUIDANCE = (
    "A Neo4j database. Call get-schema first, then query with read-cypher; write-cypher changes the"
    " graph, if this client's role allows it.\n"
    "Keep results small: end queries with LIMIT; return the properties that you need instead of"
    " whole nodes, relationships and paths; return no embeddings or other vectors; let Cypher count"
    " and aggregate. Return dates, times and durations as text, by toString(value): the server"
    " loses most of them otherwise."
)
_log = logging.getLogger(__name__)


class Bridge:
    """One agent's session: its tools, its calls and notifications about changed tools."""

    def __init__(
        self,
        upstream: Upstream,
        known: KnownServers,
        *,
        max_characters: int,
        progress_interval: float = _PROGRESS_INTERVAL,
    ) -> None:
        """Create a bridge; nothing is sent yet.

        Args:
            max_characters: the most characters of a result; 0 for no limit.
        """
        self._upstream = upstream
        self._known = known
        self._max_characters = max_characters
        self._progress_interval = progress_interval
        self._catalogue = known.recall(upstream.names) or release_catalogue()
        # The tools that the agent has listed, and the ways to notify it.
        self._listed: Catalogue | None = None
        self._listing_now = 0
        self._session: ServerSession | None = None
        self._bus = InMemorySubscriptionBus()
        self._watch: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._retry_now = asyncio.Event()

    def server(self) -> Server[Any]:
        """Return the MCP server."""
        return Server(
            "neo4j-mcp",
            version=__version__,
            instructions=instructions(self._catalogue, self._max_characters),
            lifespan=self._lifespan,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_subscriptions_listen=ListenHandler(self._bus),
        )

    async def _list_tools(
        self, context: Context, _: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            self._session = context.session
        self._listing_now += 1
        try:
            self._start_watch()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._tried.wait(), _LIST_TIMEOUT)
        finally:
            self._listing_now -= 1
        self._listed = self._catalogue
        return _listing(self._listed)

    async def _call_tool(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        try:
            call = self._upstream.call_tool(params.name, params.arguments)
            result = types.CallToolResult.model_validate(
                await _with_progress(context, call, interval=self._progress_interval)
            )
        except ToolError as error:
            if isinstance(error, ToolNotFoundError):
                # The agent's list is outdated.
                self._start_watch()
            if error.json_rpc_code is None:
                return _error_result(str(error))
            raise MCPError(
                code=error.json_rpc_code, message=f"{error.message} {error.remedy}"
            ) from None
        except Neo4jMcpError as error:
            self._start_watch()
            return _error_result(
                f"{error} To check every hop, run: {self._upstream.doctor_command}"
            )
        except ValidationError:
            return _error_result("server: the result isn't an MCP result.")
        # The server answers, so the watch can retry at once.
        self._retry_now.set()
        if params.name in CYPHER_TOOLS and not result.is_error:
            result = add_warnings(result)
        return limit_result(result, self._max_characters)

    def _start_watch(self) -> None:
        """Fetch the catalogue in the background until the server answers."""
        if self._watch is None or self._watch.done():
            self._tried.clear()
            self._watch = asyncio.create_task(self._fetch_until_available())

    async def _fetch_until_available(self) -> None:
        pause = _FIRST_PAUSE
        while (catalogue := await self._fetch_catalogue()) is None:
            self._retry_now.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._retry_now.wait(), pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        self._catalogue = catalogue
        self._tried.set()
        self._known.remember(self._upstream.names, catalogue)
        if self._listed and self._listed.tools != catalogue.tools and not self._listing_now:
            await self._bus.publish(ToolsListChanged())
            if self._session is not None:
                await self._session.send_tool_list_changed()

    async def _fetch_catalogue(self) -> Catalogue | None:
        try:
            catalogue = await self._upstream.describe()
            _listing(catalogue)
        except (Neo4jMcpError, ValidationError) as error:
            if not self._tried.is_set():
                _log.warning("Serving the last known tools: %s", error)
            self._tried.set()
            return None
        return catalogue

    @asynccontextmanager
    async def _lifespan(self, _: Server[Any]) -> AsyncIterator[None]:
        try:
            yield
        finally:
            if self._watch is not None:
                self._watch.cancel()
            await self._upstream.close()


async def serve(target: Target, known: KnownServers, *, max_characters: int) -> None:
    """Run the bridge until standard input ends.

    Args:
        max_characters: the most characters of a result; 0 for no limit.
    """
    server = Bridge(Upstream(target), known, max_characters=max_characters).server()
    options = server.create_initialization_options(NotificationOptions(tools_changed=True))
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, options)


def instructions(catalogue: Catalogue, max_characters: int) -> str:
    """Return the instructions for an agent: the bridge's and the server's.

    Args:
        max_characters: the most characters of a result; 0 for no limit.
    """
    cut = f" A result longer than {max_characters:,} characters is cut, with a notice."
    own = _GUIDANCE + (cut if max_characters else "")
    return "\n\n".join(filter(None, [own, catalogue.instructions]))


def add_warnings(result: types.CallToolResult) -> types.CallToolResult:
    """Append a warning to a result whose rows may have lost values."""
    text = "".join(each.text for each in result.content if isinstance(each, types.TextContent))
    # Results can be large, so only parse those that may need a warning.
    if "{}" not in text:
        return result
    try:
        notice = lost_values(json.loads(text))
    except ValueError:
        return result
    return _with_notices(result, result.content, [notice])


def limit_result(result: types.CallToolResult, max_characters: int) -> types.CallToolResult:
    """Cut a result to the limit, with a notice about what is missing.

    Args:
        max_characters: the most characters of each text; 0 for no limit.
    """
    if not max_characters:
        return result
    content: list[types.ContentBlock] = []
    notices: list[str | None] = []
    for block in result.content:
        if isinstance(block, types.TextContent):
            cut = limit.limit_text(block.text, max_characters)
            notices.append(cut.notice)
            content.append(block.model_copy(update={"text": cut.text}))
        else:
            content.append(block)
    structured = result.structured_content
    if structured is not None and len(json.dumps(structured)) > max_characters:
        notices.append("The structured content is too long and left out.")
        result = result.model_copy(update={"structured_content": None})
    return _with_notices(result, content, notices)


async def _with_progress(context: Context, call: Awaitable[Result], *, interval: float) -> Result:
    """Report progress to an agent that asked for it, so that it doesn't give up on a slow call."""

    async def report() -> None:
        elapsed = 0.0
        while True:
            await asyncio.sleep(interval)
            elapsed += interval
            await context.session.report_progress(elapsed, message="The server is working.")

    reporter = asyncio.create_task(report())
    try:
        return await call
    finally:
        reporter.cancel()


def _listing(catalogue: Catalogue) -> types.ListToolsResult:
    return types.ListToolsResult.model_validate({"tools": list(catalogue.tools)})


def _with_notices(
    result: types.CallToolResult,
    content: list[types.ContentBlock],
    notices: list[str | None],
) -> types.CallToolResult:
    added = [_text(notice) for notice in notices if notice is not None]
    return result.model_copy(update={"content": [*content, *added]})


def _error_result(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[_text(text)], is_error=True)


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)
