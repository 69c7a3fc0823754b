# /// script
# requires-python = ">=3.11"
# dependencies = ["neo4j-mcp-client[aws]"]
#
# [tool.uv.sources]
# neo4j-mcp-client = { path = "..", editable = true }
# ///
"""A large result in pages: each call stays far below the server's limit of 60 seconds.

By the key of the last row, not by SKIP: every page costs the same, and rows that come or go
meanwhile shift none of the others.
"""

from collections.abc import Iterator
from typing import Any

from neo4j_mcp_client import Neo4jMcp

PAGE = (
    "MATCH (p:Person) WHERE p.name > $after RETURN p.name AS name, p.born AS born"
    " ORDER BY name LIMIT $size"
)


def people(neo4j: Neo4jMcp, size: int) -> Iterator[dict[str, Any]]:
    """Yield all people by name, one page at a time."""
    after = ""
    while rows := neo4j.read(PAGE, {"after": after, "size": size}):
        yield from rows
        after = rows[-1]["name"]


with Neo4jMcp.from_environment() as neo4j:
    print(", ".join(row["name"] for row in people(neo4j, size=2)))
