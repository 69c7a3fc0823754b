"""Calls tools over MCP, with the official SDK's client and cached tokens."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from neo4j_mcp_client import TokenProvider
from neo4j_mcp_client.calls import TIMEOUT
from neo4j_mcp_client.httpx2 import BearerAuth
from neo4j_mcp_client.tool_failures import tool_failure

_TIMEOUT = httpx2.Timeout(TIMEOUT, connect=10.0)


@asynccontextmanager
async def connect(
    mcp_url: str, tokens: TokenProvider, tls: ssl.SSLContext
) -> AsyncIterator[Client]:
    """Open an MCP session whose every request has a token."""
    async with (
        httpx2.AsyncClient(auth=BearerAuth(tokens), verify=tls, timeout=_TIMEOUT) as http,
        Client(streamable_http_client(mcp_url, http_client=http)) as client,
    ):
        yield client


@asynccontextmanager
async def connect_by_discovery(
    edge_url: str, client_id: str, client_secret: str, tls: ssl.SSLContext
) -> AsyncIterator[Client]:
    """Open an MCP session as the SDK does alone: it discovers at the edge how to get a token."""
    provider = ClientCredentialsOAuthProvider(
        server_url=edge_url,
        storage=_NoStorage(),
        client_id=client_id,
        client_secret=client_secret,
        issuer=f"https://{urlsplit(edge_url).netloc}",
    )
    async with (
        httpx2.AsyncClient(auth=provider, verify=tls, timeout=_TIMEOUT) as http,
        Client(streamable_http_client(edge_url, http_client=http)) as client,
    ):
        yield client


class _NoStorage:
    """Stores nothing; the provider itself keeps its token."""

    async def get_tokens(self) -> OAuthToken | None:
        """Return no token."""
        return None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Forget a token."""

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return no registration."""
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Forget a registration."""


async def call_tool(client: Client, name: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a tool returns any JSON
    """Call a tool, and return its decoded JSON; for a query, the list of rows.

    Raises:
        Neo4jMcpError: the tool returned an error.
    """
    result = await client.call_tool(name, dict(arguments))
    text = "".join(block.text for block in result.content if block.type == "text")
    if result.is_error:
        raise tool_failure(text)
    return json.loads(text) if text else None


async def post_without_token(
    mcp_url: str, method: str, params: Mapping[str, Any], tls: ssl.SSLContext
) -> httpx2.Response:
    """Send one MCP request without credentials, and return the response with any status.

    Raises:
        httpx2.HTTPError: the server can't be reached.
    """
    async with httpx2.AsyncClient(verify=tls, timeout=_TIMEOUT) as http:
        return await http.post(
            mcp_url,
            json={"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params)},
            headers={"Accept": "application/json, text/event-stream"},
        )
