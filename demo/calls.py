"""What a caller does: call tools over MCP, by the official SDK's client with cached tokens."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from neo4j_mcp_client import TokenProvider
from neo4j_mcp_client.calls import TIMEOUT
from neo4j_mcp_client.httpx2 import BearerAuth
from neo4j_mcp_client.tool_failures import tool_failure

_TIMEOUT = httpx2.Timeout(TIMEOUT, connect=10.0)


@asynccontextmanager
async def connect(
    mcp_url: str, tokens: TokenProvider, tls: ssl.SSLContext
) -> AsyncIterator[Client]:
    """Open an MCP session that carries a token from its first request on.

    Args:
        mcp_url: the server's URL.
        tokens: where its tokens come from.
        tls: the trusted certificate authorities.

    Yields:
        The MCP SDK's client.
    """
    async with (
        httpx2.AsyncClient(auth=BearerAuth(tokens), verify=tls, timeout=_TIMEOUT) as http,
        Client(streamable_http_client(mcp_url, http_client=http)) as client,
    ):
        yield client


async def call_tool(client: Client, name: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a tool answers any JSON
    """Call a tool.

    Args:
        client: an open session.
        name: the tool's name.
        arguments: its arguments.

    Returns:
        Its answer, decoded from JSON; for a query, the list of its rows.

    Raises:
        Neo4jMcpError: it answered with an error.
    """
    result = await client.call_tool(name, dict(arguments))
    text = "".join(block.text for block in result.content if block.type == "text")
    if result.is_error:
        raise tool_failure(text)
    return json.loads(text) if text else None


async def post_without_token(
    mcp_url: str, method: str, params: Mapping[str, Any], tls: ssl.SSLContext
) -> httpx2.Response:
    """Send one MCP request without credentials.

    Args:
        mcp_url: the server's URL.
        method: the MCP method.
        params: its parameters.
        tls: the trusted certificate authorities.

    Returns:
        The HTTP response, whatever its status.

    Raises:
        httpx2.HTTPError: the server doesn't answer.
    """
    async with httpx2.AsyncClient(verify=tls, timeout=_TIMEOUT) as http:
        return await http.post(
            mcp_url,
            json={"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params)},
            headers={"Accept": "application/json, text/event-stream"},
        )
