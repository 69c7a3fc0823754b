"""Cognito's token endpoint and API in front of ministack's."""

import json
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.cognito import rules
from localcloud.aws.cognito.models import AppClient, ClientSecrets
from localcloud.aws.cognito.token_request import TokenRequest, TokenRequestError, with_basic
from localcloud.aws.protocol import (
    CONTENT_TYPE_1_1,
    ApiError,
    ServiceProtocol,
    encode,
    encode_error,
    without_nulls,
)

TARGET_PREFIX = "AWSCognitoIdentityProviderService"
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
_CLIENT_SETTINGS = {"CreateUserPoolClient", "UpdateUserPoolClient"}


class CognitoApp:
    """Serves Cognito's API and token endpoint, with ministack as the store."""

    def __init__(self, ministack: ASGIApp, region: str, client_secrets: ClientSecrets) -> None:
        """Pass requests on to ministack.

        Args:
            ministack: the store.
            region: the endpoint's region.
            client_secrets: the client secrets of all app clients.
        """
        self._ministack = ministack
        self._issuer_base = f"https://cognito-idp.{region}.amazonaws.com/{region}_"
        self._secrets = client_secrets
        self._protocol = ServiceProtocol("cognito-idp")
        self._own_operations: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "AddUserPoolClientSecret": client_secrets.add,
            "ListUserPoolClientSecrets": client_secrets.list,
            "DeleteUserPoolClientSecret": client_secrets.delete,
        }

    async def serve_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the API; an update resets what its request omits."""
        request = Request(scope, receive)
        target = request.headers["x-amz-target"]
        body = await request.body()
        try:
            response = self._run(target, body)
        except ApiError as error:
            response = Response(encode_error(error), error.status, media_type=CONTENT_TYPE_1_1)
        if response is None:
            if rules.resets_omitted(target):
                body = rules.with_defaults(target, body)
                scope = asgi.with_content_length(scope, len(body))
            response = await asgi.call(self._ministack, scope, body)
            if response.status_code == HTTPStatus.OK:
                response = self._keep_up(target, body, response)
        await response(scope, receive, send)

    async def serve_token(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a token request; a trigger that changed a reserved claim is refused by name."""
        body = await Request(scope, receive).body()
        response = await self._token_response(scope, body)
        await response(scope, receive, send)

    def _run(self, target: str, body: bytes) -> Response | None:
        """Run an operation that ministack doesn't have; check one that it accepts too easily.

        Returns:
            The response, or None if ministack runs the operation.

        Raises:
            ApiError: Cognito refuses the request.
        """
        name = target.removeprefix(f"{TARGET_PREFIX}.")
        if name not in self._own_operations and name not in _CLIENT_SETTINGS:
            return None
        operation, parameters = self._protocol.read(target, body)
        rules.validate(self._protocol, operation, parameters)
        parameters = without_nulls(parameters)
        if operation in _CLIENT_SETTINGS:
            client = self._secrets.find(parameters.get("ClientId", ""))
            has_secret = client is not None and bool(client.secrets)
            rules.check_settings(operation, parameters, has_secret=has_secret)
            return None
        return Response(
            encode(self._own_operations[operation](parameters)), media_type=CONTENT_TYPE_1_1
        )

    def _keep_up(self, target: str, body: bytes, response: Response) -> Response:
        """Follow an operation that succeeded, and return what Cognito would."""
        match target.removeprefix(f"{TARGET_PREFIX}."):
            case "CreateUserPoolClient":
                self._secrets.register(_content(response)["UserPoolClient"])
            case "DeleteUserPoolClient":
                self._secrets.forget_client(json.loads(body)["ClientId"])
            case "DeleteUserPool":
                self._secrets.forget_pool(json.loads(body)["UserPoolId"])
            case "DescribeUserPoolClient" | "UpdateUserPoolClient":
                content = _content(response)
                shown = self._secrets.describe(content["UserPoolClient"])
                content |= {"UserPoolClient": shown}
                return asgi.with_body(response, json.dumps(content).encode())
        return response

    async def _token_response(self, scope: Scope, body: bytes) -> Response:
        try:
            request = TokenRequest.parse(Request(scope).headers.get("authorization"), body)
        except TokenRequestError as error:
            return _token_error(error.error, f"{error}")
        client = self._secrets.find(request.client_id)
        if client is not None and client.original is not None:
            # ministack knows the original client secret only.
            accepted = self._secrets.accepts(client, request.client_secret)
            known = client.original.value if accepted else secrets.token_urlsafe()
            scope = with_basic(scope, client.id, known)
            if accepted and request.grant_type == rules.CLIENT_CREDENTIALS:
                described = await self._described(client)
                # ministack refuses an app client that was deleted in the meantime.
                if described and not rules.allows_oauth(described):
                    return _token_error("invalid_grant")
        response = await asgi.call(self._ministack, scope, body)
        if response.status_code != HTTPStatus.OK or request.grant_type != rules.CLIENT_CREDENTIALS:
            return response
        content = _content(response)
        overridden = rules.overridden_claims(
            content["access_token"],
            client_id=request.client_id,
            issuer_base=self._issuer_base,
            seconds=content["expires_in"],
        )
        if overridden:
            return _token_error(
                "invalid_request",
                "The stand-in's Cognito refuses a trigger that changes claims that Cognito"
                f" reserves: {', '.join(overridden)}.",
            )
        return response

    async def _described(self, client: AppClient) -> Mapping[str, Any]:
        """Return an app client as ministack keeps it; empty if it was just deleted."""
        scope = asgi.post_scope(
            {
                "content-type": CONTENT_TYPE_1_1,
                "x-amz-target": f"{TARGET_PREFIX}.DescribeUserPoolClient",
            }
        )
        parameters = {"UserPoolId": client.user_pool_id, "ClientId": client.id}
        response = await asgi.call(self._ministack, scope, json.dumps(parameters).encode())
        described: Mapping[str, Any] = _content(response).get("UserPoolClient", {})
        return described


def _content(response: Response) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(bytes(response.body))
    return content


def _token_error(error: str, description: str | None = None) -> Response:
    described = {} if description is None else {"error_description": description}
    return JSONResponse({"error": error} | described, HTTPStatus.BAD_REQUEST)
