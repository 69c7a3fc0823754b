"""The token endpoint in front of ministack's: claims that Cognito keeps can't be overridden.

Source: "Pre token generation Lambda trigger" in the Amazon Cognito Developer Guide, which lists the
claims of an access token that a trigger can't add, modify or suppress.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localcloud.aws.registry import body_of, header, respond

PATH = "/oauth2/token"
_RESERVED_PREFIX = "cognito:"


def changed_claims(token: str, *, client_id: str, issuer_base: str, seconds: int) -> list[str]:
    """Find the claims of a client-credentials token that Cognito itself would have set otherwise.

    Args:
        token: the access token.
        client_id: the app client that asked for it.
        issuer_base: beginning of every issuer of the region.
        seconds: lifetime that the token endpoint names.

    Returns:
        The names of claims that a trigger changed, added or suppressed.
    """
    payload = token.split(".")[1]
    claims: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * 3))
    wanted = {"sub": client_id, "client_id": client_id, "token_use": "access"}
    found = [name for name, value in wanted.items() if claims.get(name) != value]
    if not str(claims.get("iss", "")).startswith(issuer_base):
        found.append("iss")
    if not isinstance(claims.get("jti"), str):
        found.append("jti")
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int) or expires - issued != seconds:
        found.append("exp or iat")
    return [*found, *(name for name in claims if name.startswith(_RESERVED_PREFIX))]


class TokenFront:
    """ASGI application that checks the answers of the one that issues tokens."""

    def __init__(self, issuer: ASGIApp, region: str) -> None:
        """Stand in front of the application that issues tokens.

        Args:
            issuer: the application behind.
            region: the region.
        """
        self._issuer = issuer
        self._issuer_base = f"https://cognito-idp.{region}.amazonaws.com/{region}_"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a token request.

        Args:
            scope: the request.
            receive: its body.
            send: takes the answer.
        """
        request = await body_of(receive)
        messages: list[Message] = []

        async def replay() -> Message:
            return {"type": "http.request", "body": request, "more_body": False}

        async def collect(message: Message) -> None:
            messages.append(message)

        await self._issuer(scope, replay, collect)
        body = b"".join(message.get("body", b"") for message in messages)
        if messages[0]["status"] == HTTPStatus.OK and (
            changed := self._changed(scope, request, body)
        ):
            await respond(
                send,
                HTTPStatus.BAD_REQUEST,
                json.dumps(
                    {
                        "error": "invalid_request",
                        "error_description": "The stand-in's Cognito refuses a trigger that "
                        f"changes claims which Cognito keeps: {', '.join(changed)}.",
                    }
                ).encode(),
                {"content-type": "application/json"},
            )
            return
        for message in messages:
            await send(message)

    def _changed(self, scope: Scope, request: bytes, body: bytes) -> list[str]:
        form = parse_qs(request.decode("utf-8", "replace"))
        if form.get("grant_type") != ["client_credentials"]:
            return []
        answer = json.loads(body)
        return changed_claims(
            answer["access_token"],
            client_id=_client_id(header(scope, b"authorization"), form),
            issuer_base=self._issuer_base,
            seconds=answer["expires_in"],
        )


def _client_id(authorization: str, form: Mapping[str, list[str]]) -> str:
    """Read who asks: from HTTP Basic, else from the form."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return form.get("client_id", [""])[0]
