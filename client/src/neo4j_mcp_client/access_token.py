"""An access token as a caller keeps it."""

import base64
import re
from dataclasses import dataclass, field
from typing import Any

from neo4j_mcp_client.decoding import from_json

# What a Bearer token may consist of (RFC 6750, section 2.1); a line break would forge headers.
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """An OAuth 2.0 access token.

    Attributes:
        value: what goes behind ``Bearer``; not in repr.
        expires_at: when it expires, in seconds since the epoch.
        lifetime: for how many seconds it was issued.

    Raises:
        ValueError: the value can't be sent as a Bearer token.
    """

    value: str = field(repr=False)
    expires_at: float
    lifetime: float

    def __post_init__(self) -> None:
        """Refuse what would break the Authorization header; the message doesn't show it."""
        if not _BEARER.fullmatch(self.value):
            raise ValueError("the token has characters that a Bearer token can't have")

    @property
    def issued_at(self) -> float:
        """When it was taken, in seconds since the epoch."""
        return self.expires_at - self.lifetime

    @property
    def authorization(self) -> str:
        """The value of the Authorization header. The server wants the capital B."""
        return f"Bearer {self.value}"

    @property
    def claims(self) -> dict[str, Any]:
        """The claims that it carries, unverified: the database is who verifies them.

        Empty where the token is no JWT.
        """
        try:
            payload = self.value.split(".")[1]
            claims = from_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (IndexError, ValueError):
            return {}
        return claims if isinstance(claims, dict) else {}

    def lasts(self, seconds: float, now: float) -> bool:
        """Return whether the token is good for a while.

        Half of its lifetime is always enough, or a short-lived token would be renewed at each
        call.

        Args:
            seconds: how long it is to be good.
            now: the time, in seconds since the epoch.
        """
        return self.expires_at - now > min(seconds, self.lifetime / 2)
