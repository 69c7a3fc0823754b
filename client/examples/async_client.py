# /// script
# requires-python = ">=3.11"
# dependencies = ["neo4j-mcp-client[async,aws]"]
#
# [tool.uv.sources]
# neo4j-mcp-client = { path = "..", editable = true }
# ///
"""The asyncio client: concurrent queries with one token and few connections."""

import asyncio

from neo4j_mcp_client import source_from_environment
from neo4j_mcp_client.async_client import AsyncNeo4jMcp

QUERIES = {
    "people": "MATCH (p:Person) RETURN count(p) AS found",
    "born since 1900": "MATCH (p:Person) WHERE p.born >= 1900 RETURN count(p) AS found",
}


async def main() -> None:
    """Run all queries at once."""
    source = source_from_environment()
    url = (await asyncio.to_thread(source.current)).mcp_url
    async with AsyncNeo4jMcp(url, source) as neo4j:
        answers = await asyncio.gather(*(neo4j.read(query) for query in QUERIES.values()))
    for name, rows in zip(QUERIES, answers, strict=True):
        print(name, rows[0]["found"])


asyncio.run(main())
