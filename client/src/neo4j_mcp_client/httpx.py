"""Bearer tokens for httpx, which LangChain's MCP adapters use."""

from neo4j_mcp_client.auth_flow import BearerFlow
from neo4j_mcp_client.errors import ConfigurationError

try:
    import httpx
except ImportError as error:
    raise ConfigurationError(
        "This BearerAuth needs httpx.", remedy="Run: pip install 'neo4j-mcp-client[httpx]'"
    ) from error


class BearerAuth(BearerFlow[httpx.Request, httpx.Response], httpx.Auth):
    """Adds a provider's tokens to the requests of an httpx client: pass it as `auth`."""

    body_not_in_memory = httpx.RequestNotRead
