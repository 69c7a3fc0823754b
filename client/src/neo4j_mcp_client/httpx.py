"""Bearer tokens for httpx, which LangChain's MCP adapters use."""

import httpx

from neo4j_mcp_client.auth_flow import BearerFlow


class BearerAuth(BearerFlow[httpx.Request, httpx.Response], httpx.Auth):
    """Adds a provider's tokens to the requests of an httpx client: pass it as `auth`."""

    body_not_in_memory = httpx.RequestNotRead
