"""Cognito's token endpoint and API in front of ministack's."""

import base64
import binascii
import json
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.cognito import rules

TARGET_PREFIX = "AWSCognitoIdentityProviderService"
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path


class CognitoApp:
    """Serves Cognito's API and token endpoint, with ministack as the store."""

    def __init__(self, ministack: ASGIApp, region: str) -> None:
        """Pass requests on to ministack."""
        self._ministack = ministack
        self._issuer_base = f"https://cognito-idp.{region}.amazonaws.com/{region}_"

    async def serve_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the API; an update resets what its request omits."""
        request = Request(scope, receive)
        target = request.headers["x-amz-target"]
        if rules.resets_omitted(target):
            body = rules.with_defaults(target, await request.body())
            scope = asgi.with_content_length(scope, len(body))
            receive = asgi.replay(body, receive)
        await self._ministack(scope, receive, send)

    async def serve_token(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a token request; a trigger that changed a reserved claim is refused by name."""
        request = Request(scope, receive)
        body = await request.body()
        response = await asgi.call(self._ministack, scope, body)
        if response.status_code == HTTPStatus.OK and (
            overridden := self._overridden(request, body, bytes(response.body))
        ):
            response = JSONResponse(
                {
                    "error": "invalid_request",
                    "error_description": "The stand-in's Cognito refuses a trigger that changes "
                    f"claims that Cognito reserves: {', '.join(overridden)}.",
                },
                HTTPStatus.BAD_REQUEST,
            )
        await response(scope, receive, send)

    def _overridden(self, request: Request, body: bytes, response: bytes) -> list[str]:
        form = parse_qs(body.decode("utf-8", "replace"))
        if form.get("grant_type") != ["client_credentials"]:
            return []
        content = json.loads(response)
        return rules.overridden_claims(
            content["access_token"],
            client_id=_client_id(request.headers.get("authorization", ""), form),
            issuer_base=self._issuer_base,
            seconds=content["expires_in"],
        )


def _client_id(authorization: str, form: Mapping[str, list[str]]) -> str:
    """Read the client's id from HTTP Basic, or else from the form."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return form.get("client_id", [""])[0]
