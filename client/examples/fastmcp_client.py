# /// script
# requires-python = ">=3.11"
# dependencies = ["neo4j-mcp-client[async,aws]", "fastmcp>=4.1,<5"]
#
# [tool.uv.sources]
# neo4j-mcp-client = { path = "..", editable = true }
# ///
"""fastmcp's client, with cached tokens in its transport."""

import asyncio

from fastmcp import Client

from neo4j_mcp_client import TokenProvider, source_from_environment
from neo4j_mcp_client.httpx2 import BearerAuth

source = source_from_environment()
url = source.current().mcp_url


async def main() -> None:
    """List the tools, and call one."""
    async with Client(url, auth=BearerAuth(TokenProvider(source)), timeout=125) as client:
        print([tool.name for tool in await client.list_tools()])
        query = "MATCH (p:Person) RETURN count(p) AS people"
        result = await client.call_tool("read-cypher", {"query": query})
        print("".join(block.text for block in result.content if block.type == "text"))


asyncio.run(main())
