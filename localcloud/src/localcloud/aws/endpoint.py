"""The endpoint's signed requests: routes each to the application of its service."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import control
from localcloud.aws.apprunner import app as apprunner
from localcloud.aws.cognito import app as cognito
from localcloud.aws.ecr import app as ecr


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One address for all of AWS.

    Attributes:
        apprunner: App Runner's API.
        ecr: ECR's API.
        cognito: Cognito's API and token endpoint.
        control: the stand-in's own operations.
        ministack: all other services.
    """

    apprunner: apprunner.AppRunnerApp
    ecr: ecr.EcrApp
    cognito: cognito.CognitoApp
    control: control.ControlApp
    ministack: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        await self._application(scope)(scope, receive, send)

    def _application(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http":
            return self.ministack
        prefix, dot, _ = Request(scope).headers.get("x-amz-target", "").partition(".")
        if dot and prefix == apprunner.TARGET_PREFIX:
            return self.apprunner
        if dot and prefix == ecr.TARGET_PREFIX:
            return self.ecr.serve_api
        if dot and prefix == control.TARGET_PREFIX:
            return self.control
        # By its path before its target, or a target would avoid the check of the token's claims.
        if scope["path"] == cognito.TOKEN_PATH:
            return self.cognito.serve_token
        return self.cognito.serve_api if prefix == cognito.TARGET_PREFIX else self.ministack
