"""A fake deployed MCP server, which can stop and restart on one port."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import mcp_types as types
import uvicorn
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from tests.ports import free_ports

SLOW = "slow"
"""A query that takes a second."""

HANGS = "hangs"
"""A query that ends when its caller goes away."""


@dataclass(frozen=True, kw_only=True)
class Post:
    """A request that came in."""

    method: str
    headers: dict[str, str]


def tool(name: str) -> types.Tool:
    return types.Tool(
        name=name,
        description="Reads.",
        input_schema={"type": "object", "properties": {"query": {}}},
        annotations=types.ToolAnnotations(read_only_hint=True),
    )


class Deployed:
    """An MCP server, built on the SDK, that notes each POST."""

    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self.posts: list[Post] = []
        self.tools = [tool("read-cypher")]
        # What a query gets; else a text with the query.
        self.results: dict[str, types.CallToolResult] = {}
        # A JSON-RPC error for every call.
        self.refuse: str | None = None
        self.hanging, self.left = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    @property
    def methods(self) -> list[str]:
        return [post.method for post in self.posts]

    @property
    def authorizations(self) -> set[str]:
        return {post.headers["authorization"] for post in self.posts}

    @contextmanager
    def up(self) -> Iterator[None]:
        server = uvicorn.Server(
            uvicorn.Config(
                self._application(), host="127.0.0.1", port=self.port, log_level="critical"
            )
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                thread.join(0.01)
            yield
        finally:
            server.should_exit = True
            thread.join(10)

    def _application(self) -> Any:  # noqa: ANN401 - an ASGI application
        async def list_tools(
            _: ServerRequestContext[Any, Any], __: types.PaginatedRequestParams | None
        ) -> types.ListToolsResult:
            return types.ListToolsResult(tools=self.tools)

        async def call_tool(
            _: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
        ) -> types.CallToolResult:
            if self.refuse is not None:
                raise MCPError(code=types.INVALID_PARAMS, message=self.refuse)
            query = str((params.arguments or {}).get("query"))
            if query == SLOW:
                await asyncio.sleep(1)
            if query in self.results:
                return self.results[query]
            said = f"{params.name}: {query}"
            return types.CallToolResult(content=[types.TextContent(type="text", text=said)])

        application = Server(
            "deployed",
            instructions="Upstream says hello.",
            on_list_tools=list_tools,
            on_call_tool=call_tool,
        ).streamable_http_app(json_response=True, stateless_http=True)

        return self._noting(application)

    def _noting(self, application: Any) -> Any:  # noqa: ANN401 - ASGI applications
        async def noting(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own
            if scope["type"] != "http":
                await application(scope, receive, send)
                return
            body = await _body_of(receive)
            document = json.loads(body)
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.posts.append(Post(method=document["method"], headers=headers))
            if document.get("params", {}).get("arguments", {}).get("query") == HANGS:
                self.hanging.set()
                await receive()
                self.left.set()
                return
            waiting = [{"type": "http.request", "body": body, "more_body": False}]

            async def replay() -> Any:  # noqa: ANN401 - ASGI's own
                return waiting.pop() if waiting else await receive()

            await application(scope, replay, send)

        return noting


async def _body_of(receive: Any) -> bytes:  # noqa: ANN401 - ASGI's own
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body
