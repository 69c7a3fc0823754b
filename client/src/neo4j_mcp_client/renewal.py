"""Decides when to retry a rejected request with another token, for all HTTP libraries."""

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.calls import token_refusal
from neo4j_mcp_client.errors import TokenExpiredError
from neo4j_mcp_client.tokens import TokenProvider

_UNAUTHORIZED = 401


def may_refuse(status: int, content_type: str | None) -> bool:
    """Return whether an answer must be read to see if it refuses the token."""
    return status == _UNAUTHORIZED or (content_type or "").startswith("application/json")


def discard_if_refused(tokens: TokenProvider, token: AccessToken, status: int, body: bytes) -> bool:
    """Discard a token if a response rejects it, and return whether to retry with another."""
    refusal = token_refusal(status, body)
    return refusal is not None and tokens.invalidate(
        token, expired=isinstance(refusal, TokenExpiredError)
    )
