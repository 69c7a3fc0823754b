# /// script
# requires-python = ">=3.11"
# dependencies = ["neo4j-mcp-client[aws]"]
#
# [tool.uv.sources]
# neo4j-mcp-client = { path = "..", editable = true }
# ///
"""Plain requests, for callers that implement MCP themselves: the library only adds the tokens."""

import json

import requests

from neo4j_mcp_client import BearerAuth, TokenProvider, source_from_environment

source = source_from_environment()
with requests.Session() as session:
    session.auth = BearerAuth(TokenProvider(source))
    response = session.post(
        source.current().mcp_url,
        json={
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": "read-cypher",
                "arguments": {"query": "MATCH (p:Person) RETURN count(p) AS people"},
            },
        },
        headers={"Accept": "application/json, text/event-stream"},
        timeout=(10, 125),
    )
response.raise_for_status()
result = response.json()["result"]
text = result["content"][0]["text"]
# A failed tool returns HTTP 200 too.
print(text if result.get("isError") else json.loads(text))
