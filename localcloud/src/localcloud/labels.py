"""The label that marks what a stand-in creates in the Docker Engine."""

from typing import Final

OWNER_LABEL: Final = "neo4j-mcp.localcloud"
"""Its value is the stand-in's owner name, so that one stand-in removes nothing of another's."""
