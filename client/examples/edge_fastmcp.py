# /// script
# requires-python = ">=3.11"
# dependencies = ["fastmcp>=4.1,<5"]
# ///
"""fastmcp's client alone: it discovers at the edge how to get a token.

It needs a stack with `edge: true`. MCP_URL is the stack's output edgeUrl; CLIENT_ID and
CLIENT_SECRET are in the client's secret.
"""

import asyncio
import os
from urllib.parse import urlsplit

from fastmcp import Client
from fastmcp.client.auth import ClientCredentialsOAuthProvider

url = os.environ["MCP_URL"]


async def main() -> None:
    """List the tools, and call one."""
    provider = ClientCredentialsOAuthProvider(
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
        # The edge's metadata has the edge as the issuer, so no other server gets the secret.
        issuer=f"https://{urlsplit(url).netloc}",
    )
    async with Client(url, auth=provider, timeout=95) as client:
        print([tool.name for tool in await client.list_tools()])
        query = "MATCH (p:Person) RETURN count(p) AS people"
        result = await client.call_tool("read-cypher", {"query": query})
        print("".join(block.text for block in result.content if block.type == "text"))


asyncio.run(main())
