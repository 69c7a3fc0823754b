"""The token request of OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

import json
import urllib.parse
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from functions.canary.credentials import Credentials
from functions.canary.exchange import Answer
from functions.canary.failures import Hop, HopError

# A token that expires during a call would make the canary fail for no reason.
_MARGIN: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Token:
    """An access token.

    Attributes:
        value: the token.
        usable_until: seconds since the epoch; some time before it expires.
    """

    value: str = field(repr=False)
    usable_until: float


@dataclass(frozen=True, kw_only=True)
class TokenRequest:
    """What is sent to the token endpoint.

    Attributes:
        headers: they contain the client secret.
        body: the form.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes


def token_request(credentials: Credentials) -> TokenRequest:
    """Create the request for a token with the client's scopes."""
    pair = f"{credentials.client_id}:{credentials.client_secret}".encode()
    form = {"grant_type": "client_credentials", "scope": " ".join(credentials.scopes)}
    return TokenRequest(
        headers={
            "Authorization": f"Basic {b64encode(pair).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        },
        body=urllib.parse.urlencode(form).encode(),
    )


def token_of(answer: Answer, *, requested: float) -> Token:
    """Read the token endpoint's answer.

    Args:
        requested: when the token was requested, in seconds since the epoch.

    Raises:
        HopError: it isn't a token.
    """
    document = _document(answer.body)
    if answer.status != HTTPStatus.OK:
        raise HopError(Hop.TOKEN, f"HTTP {answer.status} {_error_code(document)}".rstrip())
    value, lifetime = document.get("access_token"), document.get("expires_in")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
        raise HopError(Hop.TOKEN, "the answer contains no access token")
    if not isinstance(lifetime, int | float):
        raise HopError(Hop.TOKEN, "the answer doesn't say how long the token is valid")
    return Token(value=value, usable_until=requested + lifetime - _MARGIN)


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _error_code(document: Mapping[str, Any]) -> str:
    """Return OAuth 2.0's error code, such as ``invalid_client``."""
    found = document.get("error")
    # Only a code of the standard's form: whatever else the answer holds stays out of the log.
    return found if isinstance(found, str) and found.replace("_", "").isalpha() else ""
