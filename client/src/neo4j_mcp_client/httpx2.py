"""Bearer tokens for httpx2, which the MCP SDK 2 and fastmcp 4 use."""

from neo4j_mcp_client.auth_flow import BearerFlow
from neo4j_mcp_client.errors import ConfigurationError

try:
    import httpx2
except ImportError as error:
    raise ConfigurationError(
        "This BearerAuth needs httpx2.", remedy="Run: pip install 'neo4j-mcp-client[async]'"
    ) from error


class BearerAuth(BearerFlow[httpx2.Request, httpx2.Response], httpx2.Auth):
    """Adds a provider's tokens to the requests of an httpx2 client: pass it as `auth`."""

    body_not_in_memory = httpx2.RequestNotRead
