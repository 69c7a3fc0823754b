"""Secrets Manager's API over HTTP."""

from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws.json_api import JsonApi
from localcloud.aws.protocol import CONTENT_TYPE_1_1, ServiceProtocol
from localcloud.aws.secretsmanager.operations import SecretsManager

TARGET_PREFIX = "secretsmanager"
# It has nothing to do with secrets, and ministack has it.
_PASSWORD_TARGET = f"{TARGET_PREFIX}.GetRandomPassword"


class SecretsManagerApp:
    """ASGI application for Secrets Manager's API."""

    def __init__(self, secrets_manager: SecretsManager, ministack: ASGIApp) -> None:
        """Serve secrets; ministack generates passwords."""
        self._ministack = ministack
        self._api = JsonApi(
            protocol=ServiceProtocol("secretsmanager"),
            call=secrets_manager.call,
            content_type=CONTENT_TYPE_1_1,
            internal_error="InternalServiceError",
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        target = dict(scope["headers"]).get(b"x-amz-target", b"").decode("latin-1")
        application = self._ministack if target == _PASSWORD_TARGET else self._api
        await application(scope, receive, send)
