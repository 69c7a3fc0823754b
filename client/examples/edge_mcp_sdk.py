# /// script
# requires-python = ">=3.11"
# dependencies = ["mcp>=2.3,<3"]
# ///
"""The official MCP SDK alone: it discovers at the edge how to get a token.

It needs a stack with `edge: true`. MCP_URL is the stack's output edgeUrl; CLIENT_ID and
CLIENT_SECRET are in the client's secret.
"""

import asyncio
import os
from urllib.parse import urlsplit

import httpx2
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

url = os.environ["MCP_URL"]


class MemoryStorage:
    """Keeps the token while the program runs."""

    def __init__(self) -> None:
        """Start without a token."""
        self._tokens: OAuthToken | None = None
        self._client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """Return the token, if there is one."""
        return self._tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep a token."""
        self._tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return what the SDK knows about the client."""
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep what the SDK knows about the client."""
        self._client = client_info


async def main() -> None:
    """List the tools, and call one."""
    provider = ClientCredentialsOAuthProvider(
        server_url=url,
        storage=MemoryStorage(),
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
        # The edge's metadata has the edge as the issuer, so no other server gets the secret.
        issuer=f"https://{urlsplit(url).netloc}",
    )
    async with (
        httpx2.AsyncClient(auth=provider, timeout=httpx2.Timeout(95, connect=10)) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        print([tool.name for tool in (await client.list_tools()).tools])
        query = "MATCH (p:Person) RETURN count(p) AS people"
        result = await client.call_tool("read-cypher", {"query": query})
        print("".join(block.text for block in result.content if block.type == "text"))


asyncio.run(main())
