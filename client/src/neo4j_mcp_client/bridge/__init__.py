"""A stdio MCP server for desktop agents that forwards to the deployed server (extra `bridge`).

It starts even if the deployed server can't be reached. Until that answers, the bridge serves the
last known tools, and each call reports what failed and how to fix it. The deployed server is
stateless, so a tool call is one POST.
"""

from neo4j_mcp_client.errors import ConfigurationError

try:
    import mcp as _  # noqa: F401 - the extra may be missing
except ImportError as error:
    raise ConfigurationError(
        "The bridge needs the MCP SDK.", remedy="Run: pip install 'neo4j-mcp-client[bridge]'"
    ) from error
