"""The command `neo4j-mcp`. Needs the extra `cli`."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from neo4j_mcp_client.cli.app import run  # noqa: PLC0415 - the extra may be missing
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("neo4j_mcp_client"):
            raise
        sys.exit(f"error: neo4j-mcp needs {error.name}. Run: pip install 'neo4j-mcp-client[cli]'")
    run()
