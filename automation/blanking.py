"""Blanks secrets and tokens in what is printed or saved, by their value and by their shape."""

import base64
import re
import threading
from typing import Final
from urllib.parse import quote, quote_plus

BLANK: Final = "•••"

# Shorter values would blank ordinary words.
_SHORTEST_SECRET: Final = 8
_SHAPES: Final = (
    # A JWT (RFC 7519), whole or with its signature cut off or left out.
    re.compile(r"\beyJ[\w-]{4,}(?:\.[\w-]*){1,4}"),
    # An Authorization header's credentials (RFC 9110, section 11.6.2).
    re.compile(r"(?<=\bBearer )[^\s\"',]+|(?<=\bBasic )[\w+/=-]{8,}"),
    # Keys of AWS, by their documented prefixes.
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"),
    # PEM private keys.
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
    # Values of secret fields, in JSON (escaped JSON too) and in forms.
    re.compile(
        r"(?i)(?<![a-z])(?:client_?secret|secret_?string|password|access_?token|refresh_?token"
        r"|id_?token|authorization_?token|aws_secret_access_key)\\*[\"']?\s*[:=]\s*\\*[\"']?"
        r"(?P<value>[^\s\"'&,}\\]{8,})"
    ),
)


class Blanker:
    """Knows the secrets of one run; safe to use from several threads."""

    def __init__(self) -> None:
        """Blank by shape until a secret is added."""
        self._secrets: set[str] = set()
        self._lock = threading.Lock()

    def learn(self, secret: str, *, username: str | None = None) -> None:
        """Add a secret to blank.

        Args:
            username: the user name that is sent with it in HTTP Basic authentication, which
                encodes both as Base64.
        """
        forms = {secret, quote(secret, safe=""), quote_plus(secret)}
        if username is not None:
            forms.add(base64.b64encode(f"{username}:{secret}".encode()).decode())
        with self._lock:
            self._secrets |= {form for form in forms if len(form) >= _SHORTEST_SECRET}

    def blank(self, text: str) -> str:
        """Replace every secret in a text with a mark."""
        with self._lock:
            known = sorted(self._secrets, key=len, reverse=True)
        for secret in known:
            text = text.replace(secret, BLANK)
        for shape in _SHAPES:
            text = shape.sub(_blanked, text)
        return text


def _blanked(match: re.Match[str]) -> str:
    value = match.groupdict().get("value")
    return BLANK if value is None else match[0].replace(value, BLANK)
