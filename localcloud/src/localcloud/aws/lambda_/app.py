"""The API of function URLs in front of ministack's: each URL gets an address of this machine."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.lambda_.errors import rest_error
from localcloud.aws.lambda_.thread import FunctionUrlThread
from localcloud.aws.lambda_.urls import UrlSettings
from localcloud.aws.service_ports import NoPortError

_URL_PATH: Final = re.compile(r"/2021-10-31/functions/([^/]+)/urls?")
_FUNCTION_PATH: Final = re.compile(r"/2015-03-31/functions/([^/]+)")


def handles(scope: Scope) -> bool:
    """Return whether a request concerns a function's URL: its own API, or a deleted function."""
    path, method = str(scope["path"]), str(scope["method"])
    is_deletion = method == "DELETE" and _FUNCTION_PATH.fullmatch(path) is not None
    return is_deletion or _URL_PATH.fullmatch(path) is not None


class FunctionUrlApp:
    """Serves the API of function URLs, with ministack as the store."""

    def __init__(self, thread: FunctionUrlThread, ministack: ASGIApp) -> None:
        """Pass requests on to ministack, and open URLs on the thread."""
        self._thread = thread
        self._ministack = ministack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = Request(scope, receive)
        name = _function_name(str(scope["path"]))
        if ":" in name or request.query_params.get("Qualifier"):
            response: Response = rest_error(
                HTTPStatus.BAD_REQUEST,
                "InvalidParameterValueException",
                "The stand-in's functions have no URLs of aliases or versions.",
            )
        else:
            response = await self._forward(request, name)
        await response(scope, receive, send)

    async def _forward(self, request: Request, name: str) -> Response:
        response = await asgi.call(self._ministack, request.scope, await request.body())
        if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            return response
        if request.method == "DELETE":
            await self._thread.close(name)
            return response
        document = json.loads(bytes(response.body))
        if request.method in {"POST", "PUT"}:
            try:
                await self._thread.open(_settings(name, document))
            except NoPortError as error:
                # A URL that nothing serves must not exist.
                await asgi.call(self._ministack, _deletion(request.scope), b"")
                return rest_error(
                    HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequestsException", str(error)
                )
        return asgi.with_body(response, json.dumps(self._with_address(name, document)).encode())

    def _with_address(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        if "FunctionUrlConfigs" in document:
            configs = [self._with_address(name, each) for each in document["FunctionUrlConfigs"]]
            return {**document, "FunctionUrlConfigs": configs}
        return {**document, "FunctionUrl": f"https://localhost:{self._thread.port(name)}/"}


def _deletion(scope: Scope) -> Scope:
    """Return the request that deletes the URL which a request has created."""
    return {**asgi.with_content_length(scope, 0), "method": "DELETE"}


def _function_name(path: str) -> str:
    found = _URL_PATH.fullmatch(path) or _FUNCTION_PATH.fullmatch(path)
    name = unquote(found[1]) if found else ""
    # An ARN ends with the function's name.
    return name.partition(":function:")[2] or name


def _settings(name: str, document: Mapping[str, Any]) -> UrlSettings:
    return UrlSettings(
        function=name, auth_type=document["AuthType"], invoke_mode=document["InvokeMode"]
    )
