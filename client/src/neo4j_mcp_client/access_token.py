"""An access token and its expiry."""

import base64
import re
from dataclasses import dataclass, field
from typing import Any

from neo4j_mcp_client.decoding import from_json

# The characters of a Bearer token (RFC 6750, section 2.1). A line break could forge headers.
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """An OAuth 2.0 access token.

    Attributes:
        value: the token itself; not shown in the repr.
        expires_at: the expiry, in seconds since the epoch.
        lifetime: the seconds between issue and expiry.

    Raises:
        ValueError: the value has characters that a Bearer token can't have.
    """

    value: str = field(repr=False)
    expires_at: float
    lifetime: float

    def __post_init__(self) -> None:
        """Reject a value that would break the Authorization header; the message doesn't show it."""
        if not _BEARER.fullmatch(self.value):
            raise ValueError("the token has characters that a Bearer token can't have")

    @property
    def issued_at(self) -> float:
        """The time of issue, in seconds since the epoch."""
        return self.expires_at - self.lifetime

    @property
    def authorization(self) -> str:
        """The value of the Authorization header. The server requires the capital B."""
        return f"Bearer {self.value}"

    @property
    def claims(self) -> dict[str, Any]:
        """The claims, unverified: the database verifies them.

        Empty if the token isn't a JWT.
        """
        try:
            payload = self.value.split(".")[1]
            claims = from_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (IndexError, ValueError):
            return {}
        return claims if isinstance(claims, dict) else {}

    def lasts(self, seconds: float, now: float) -> bool:
        """Return whether the token stays valid for some time.

        Half of its lifetime is always enough. Otherwise, a short-lived token would be renewed for
        each call.

        Args:
            seconds: how long it has to stay valid.
            now: the time, in seconds since the epoch.
        """
        return self.expires_at - now > min(seconds, self.lifetime / 2)
