# /// script
# requires-python = ">=3.11"
# dependencies = ["neo4j-mcp-client[aws,httpx]", "langchain-mcp-adapters>=0.3,<0.4", "mcp>=1.24,<2"]
#
# [tool.uv.sources]
# neo4j-mcp-client = { path = "..", editable = true }
# ///
"""LangChain's MCP adapters: the server's tools as LangChain tools, with cached tokens.

The adapters are for version 1 of the MCP SDK, whose HTTP client is httpx.
"""

import asyncio

from langchain_mcp_adapters.client import MultiServerMCPClient

from neo4j_mcp_client import TokenProvider, source_from_environment
from neo4j_mcp_client.httpx import BearerAuth

source = source_from_environment()


async def main() -> None:
    """List the tools, and call one as an agent would."""
    client = MultiServerMCPClient(
        {
            "neo4j": {
                "transport": "streamable_http",
                "url": source.current().mcp_url,
                "auth": BearerAuth(TokenProvider(source)),
            }
        }
    )
    tools = {tool.name: tool for tool in await client.get_tools()}
    print(sorted(tools))
    query = "MATCH (p:Person) RETURN count(p) AS people"
    blocks = await tools["read-cypher"].ainvoke({"query": query})
    print("".join(block["text"] for block in blocks))


asyncio.run(main())
