# /// script
# requires-python = ">=3.11"
# dependencies = ["neo4j-mcp-client[aws,mcp]"]
#
# [tool.uv.sources]
# neo4j-mcp-client = { path = "..", editable = true }
# ///
"""The official MCP SDK's client, with cached tokens in its HTTP client."""

import asyncio

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from neo4j_mcp_client import TokenProvider, source_from_environment
from neo4j_mcp_client.httpx2 import BearerAuth

source = source_from_environment()
url = source.current().mcp_url


async def main() -> None:
    """List the tools, and call one."""
    async with (
        httpx2.AsyncClient(
            auth=BearerAuth(TokenProvider(source)), timeout=httpx2.Timeout(125, connect=10)
        ) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        print([tool.name for tool in (await client.list_tools()).tools])
        query = "MATCH (p:Person) RETURN count(p) AS people"
        result = await client.call_tool("read-cypher", {"query": query})
        print("".join(block.text for block in result.content if block.type == "text"))


asyncio.run(main())
