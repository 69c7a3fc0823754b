"""The endpoint's signed requests: routes each to the application of its service."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import control
from localcloud.aws.apprunner import app as apprunner
from localcloud.aws.cognito import app as cognito
from localcloud.aws.ecr import app as ecr
from localcloud.aws.ecs import app as ecs
from localcloud.aws.events import app as events
from localcloud.aws.lambda_ import app as function_urls
from localcloud.aws.lambda_ import concurrency
from localcloud.aws.secretsmanager import app as secretsmanager

_SIGNED_SERVICE: Final = re.compile(r"Credential=[^/,]+/\d{8}/[^/,]+/([^/,]+)/aws4_request")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One address for all of AWS.

    Attributes:
        apprunner: App Runner's API.
        ecr: ECR's API.
        ecs: ECS's API.
        cognito: Cognito's API and token endpoint.
        concurrency: Lambda's API of the account's concurrency.
        control: the stand-in's own operations.
        events: EventBridge's API.
        function_urls: Lambda's API of function URLs.
        secretsmanager: Secrets Manager's API.
        by_service: services that have no targets, by their names in signatures.
        ministack: all other services.
    """

    apprunner: apprunner.AppRunnerApp
    ecr: ecr.EcrApp
    ecs: ASGIApp
    cognito: cognito.CognitoApp
    concurrency: concurrency.ConcurrencyApp
    control: control.ControlApp
    events: ASGIApp
    function_urls: function_urls.FunctionUrlApp
    secretsmanager: secretsmanager.SecretsManagerApp
    ministack: ASGIApp
    by_service: Mapping[str, ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        await self._application(scope)(scope, receive, send)

    def _application(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http":
            return self.ministack
        # By the service that the request is signed for, which the gate has verified.
        if (signed := self.by_service.get(_signed_service(scope))) is not None:
            return signed
        prefix, dot, _ = Request(scope).headers.get("x-amz-target", "").partition(".")
        if dot and (own := self._own_service(prefix)) is not None:
            return own
        # By its path before its target, or a target would avoid the check of the token's claims.
        if scope["path"] == cognito.TOKEN_PATH:
            return self.cognito.serve_token
        if not dot and (own := self._lambda(scope)) is not None:
            return own
        return self.cognito.serve_api if prefix == cognito.TARGET_PREFIX else self.ministack

    def _lambda(self, scope: Scope) -> ASGIApp | None:
        """Return the application for a part of Lambda's API, unless it is ministack."""
        if function_urls.handles(scope):
            return self.function_urls
        return self.concurrency if concurrency.handles(scope) else None

    def _own_service(self, prefix: str) -> ASGIApp | None:
        """Return the application for a prefix of targets, unless it is ministack."""
        own: dict[str, ASGIApp] = {
            apprunner.TARGET_PREFIX: self.apprunner,
            ecr.TARGET_PREFIX: self.ecr.serve_api,
            ecs.TARGET_PREFIX: self.ecs,
            control.TARGET_PREFIX: self.control,
            events.TARGET_PREFIX: self.events,
            secretsmanager.TARGET_PREFIX: self.secretsmanager,
        }
        return own.get(prefix)


def _signed_service(scope: Scope) -> str:
    """Return the service in a request's signature; empty without a signature in the header."""
    found = _SIGNED_SERVICE.search(Request(scope).headers.get("authorization", ""))
    return found[1] if found else ""
