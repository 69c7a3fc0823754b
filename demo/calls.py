"""What a caller does: take a token by client credentials, call tools with it over MCP."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

# App Runner ends a request after 120 s; a little more, so that its own answer comes first.
_TIMEOUT = httpx2.Timeout(125.0, connect=10.0)


class ToolError(Exception):
    """A tool answered with an error; the message is the server's."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a caller reads from its secret.

    Attributes:
        client_id: the app client's id.
        client_secret: the app client's secret.
        token_url: where tokens are taken.
        scopes: the scopes to ask for, by full name.
        mcp_url: the server's URL.
    """

    client_id: str
    client_secret: str = field(repr=False)
    token_url: str
    scopes: tuple[str, ...]
    mcp_url: str


async def fetch_token(credentials: Credentials, tls: ssl.SSLContext) -> str:
    """Take an access token by client credentials (RFC 6749, section 4.4).

    Args:
        credentials: the caller's.
        tls: the trusted certificate authorities.

    Returns:
        The token.

    Raises:
        httpx2.HTTPError: the token URL doesn't answer, or refuses.
    """
    async with httpx2.AsyncClient(verify=tls, timeout=_TIMEOUT) as http:
        response = await http.post(
            credentials.token_url,
            data={"grant_type": "client_credentials", "scope": " ".join(credentials.scopes)},
            auth=(credentials.client_id, credentials.client_secret),
        )
        response.raise_for_status()
        token: str = response.json()["access_token"]
        return token


@asynccontextmanager
async def connect(mcp_url: str, token: str, tls: ssl.SSLContext) -> AsyncIterator[Client]:
    """Open an MCP session that carries a token from its first request on.

    Args:
        mcp_url: the server's URL.
        token: the access token.
        tls: the trusted certificate authorities.

    Yields:
        The MCP SDK's client.
    """
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, verify=tls, timeout=_TIMEOUT) as http,
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
        ToolError: it answered with an error.
    """
    result = await client.call_tool(name, dict(arguments))
    text = "".join(block.text for block in result.content if block.type == "text")
    if result.is_error:
        raise ToolError(text)
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
