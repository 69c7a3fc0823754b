"""When a refused request is worth another token: one decision for every HTTP library."""

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.calls import refusal_of
from neo4j_mcp_client.errors import TokenExpiredError
from neo4j_mcp_client.tokens import TokenProvider

_UNAUTHORIZED = 401


def may_refuse(status: int, content_type: str | None) -> bool:
    """Return whether an answer must be read to see if it refuses the token."""
    return status == _UNAUTHORIZED or (content_type or "").startswith("application/json")


def discard_if_refused(tokens: TokenProvider, token: AccessToken, status: int, body: bytes) -> bool:
    """Take a refused token out of use."""
    refusal = refusal_of(status, body)
    return refusal is not None and tokens.invalidate(
        token, expired=isinstance(refusal, TokenExpiredError)
    )
