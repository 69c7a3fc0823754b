# /// script
# requires-python = ">=3.11"
# dependencies = ["neo4j-mcp-client[aws]"]
#
# [tool.uv.sources]
# neo4j-mcp-client = { path = "..", editable = true }
# ///
"""The client: rows as Python values, and errors that say how to fix them."""

import sys

from neo4j_mcp_client import Neo4jMcp, Neo4jMcpError

with Neo4jMcp.from_environment() as neo4j:
    try:
        for row in neo4j.read(
            "MATCH (p:Person) WHERE p.born >= $from RETURN p.name AS name, p.born AS born"
            " ORDER BY name LIMIT 5",
            {"from": 1900},
        ):
            print(row["name"], row["born"])
    except Neo4jMcpError as error:
        sys.exit(str(error))
