"""A token request, as the token endpoint reads it.

Source: RFC 6749, sections 2.3.1 (client authentication) and 5.2 (errors), and "The token issuer
endpoint" in the Amazon Cognito Developer Guide.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, quote, unquote

from starlette.types import Scope

_AUTHORIZATION = b"authorization"


class TokenRequestError(Exception):
    """A token request can't be read.

    Attributes:
        error: the error of OAuth 2.0.
    """

    def __init__(self, error: str, message: str) -> None:
        """Describe the problem, without the credentials."""
        super().__init__(message)
        self.error = error


@dataclass(frozen=True, kw_only=True)
class TokenRequest:
    """The part of a token request that is decided here.

    Attributes:
        grant_type: the grant type.
        client_id: the client's id; empty if it is missing.
        client_secret: the client secret; empty if it is missing.
    """

    grant_type: str
    client_id: str
    client_secret: str = field(repr=False)

    @classmethod
    def parse(cls, authorization: str | None, body: bytes) -> Self:
        """Read a token request.

        Args:
            authorization: the Authorization header; None if there is none.
            body: the form.

        Raises:
            TokenRequestError: the header is malformed, or the request has two client secrets or no
                grant type.
        """
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)

        def first(name: str) -> str:
            return form.get(name, [""])[0]

        if authorization is None:
            client_id, client_secret = first("client_id"), first("client_secret")
        else:
            client_id, client_secret = _read_basic(authorization)
            if "client_secret" in form:
                raise TokenRequestError(
                    "invalid_request", "The credentials are in the header and in the form."
                )
        if "grant_type" not in form:
            raise TokenRequestError("invalid_request", "The parameter grant_type is missing.")
        return cls(grant_type=first("grant_type"), client_id=client_id, client_secret=client_secret)


def with_basic(scope: Scope, client_id: str, client_secret: str) -> Scope:
    """Return a request's scope with other credentials in its Authorization header."""
    # Percent-encoded, as RFC 6749 has it: ministack decodes them.
    credentials = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    basic = b"Basic " + base64.b64encode(credentials.encode())
    others = [(name, value) for name, value in scope["headers"] if name.lower() != _AUTHORIZATION]
    return {**scope, "headers": [*others, (_AUTHORIZATION, basic)]}


def _read_basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise TokenRequestError("invalid_client", "The Authorization header isn't Basic.")
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise TokenRequestError("invalid_client", "The Basic credentials are malformed.") from None
    client_id, colon, client_secret = decoded.partition(":")
    if not colon:
        raise TokenRequestError("invalid_client", "The Basic credentials are malformed.")
    return unquote(client_id), unquote(client_secret)
