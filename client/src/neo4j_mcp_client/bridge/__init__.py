"""A stdio MCP server for desktop agents that forwards to the deployed one. Needs `bridge`.

It starts and answers whatever is broken on the way to the deployed server: until that answers, it
serves the tools that are known, and each call says what is broken and how to fix it. The deployed
server keeps no session, so a tool call is one POST.
"""

from neo4j_mcp_client.errors import ConfigurationError

try:
    import mcp as _  # noqa: F401 - the extra may be missing
except ImportError as error:
    raise ConfigurationError(
        "The bridge needs the MCP SDK.", remedy="Run: pip install 'neo4j-mcp-client[bridge]'"
    ) from error
