"""`python -m neo4j_mcp_client`: the command `neo4j-mcp`, for when it isn't on the PATH."""

from neo4j_mcp_client.cli import main

main()
