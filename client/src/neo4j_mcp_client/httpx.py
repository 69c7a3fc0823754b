"""Tokens for httpx, as LangChain's MCP adapters use it."""

import httpx

from neo4j_mcp_client.auth_flow import BearerFlow


class BearerAuth(BearerFlow[httpx.Request, httpx.Response], httpx.Auth):
    """Puts a provider's tokens into the requests of an httpx client, as its `auth`."""

    body_not_in_memory = httpx.RequestNotRead
