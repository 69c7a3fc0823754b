"""Tokens for httpx2, as the MCP SDK 2 and fastmcp 4 use it."""

import httpx2

from neo4j_mcp_client.auth_flow import BearerFlow


class BearerAuth(BearerFlow[httpx2.Request, httpx2.Response], httpx2.Auth):
    """Puts a provider's tokens into the requests of an httpx2 client, as its `auth`."""

    body_not_in_memory = httpx2.RequestNotRead
