"""An access token as a caller keeps it."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """An OAuth 2.0 access token.

    Attributes:
        value: what goes behind ``Bearer``; not in repr.
        expires_at: when it expires, in seconds since the epoch.
        lifetime: for how many seconds it was issued.
    """

    value: str = field(repr=False)
    expires_at: float
    lifetime: float

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
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (IndexError, ValueError):
            return {}
        return claims if isinstance(claims, dict) else {}

    def lasts(self, seconds: float, now: float) -> bool:
        """Decide whether the token is good for a while.

        Half of its lifetime is always enough, or a short-lived token would be renewed at each
        call.

        Args:
            seconds: how long it is to be good.
            now: the time, in seconds since the epoch.

        Returns:
            True where it is.
        """
        return self.expires_at - now > min(seconds, self.lifetime / 2)
