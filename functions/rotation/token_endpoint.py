"""Requests a token as a caller does, to see whether a client secret is accepted."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from functions.rotation.credentials import Credentials

_TIME_LIMIT: Final = 10.0
_MAX_ERROR_BYTES: Final = 4096


@dataclass(frozen=True)
class Refusal:
    """Why no token was issued.

    Attributes:
        reason: for a person.
        answered: whether the token endpoint answered at all.
    """

    reason: str
    answered: bool


def token_refusal(credentials: Credentials) -> Refusal | None:
    """Request a token and discard it.

    Returns:
        Why none was issued; None if one was.
    """
    pair = f"{credentials.client_id}:{credentials.client_secret}"
    request = urllib.request.Request(  # noqa: S310  the deployment's own token endpoint
        credentials.addresses.token_url,
        data=urllib.parse.urlencode({"grant_type": "client_credentials"}).encode(),
        headers={
            "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIME_LIMIT):  # noqa: S310  as above
            return None
    except urllib.error.HTTPError as error:
        with error:
            code = _error_code(error.read(_MAX_ERROR_BYTES))
            return Refusal(f"HTTP {error.code} {code}".rstrip(), answered=True)
    except (OSError, http.client.HTTPException) as error:
        return Refusal(f"{type(error).__name__}: {error}", answered=False)


def _error_code(body: bytes) -> str:
    """Return OAuth 2.0's error code, such as ``invalid_client``."""
    try:
        found = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    # Only a code of the standard's form: whatever else the body holds stays out of the log.
    return found if isinstance(found, str) and found.replace("_", "").isalpha() else ""
