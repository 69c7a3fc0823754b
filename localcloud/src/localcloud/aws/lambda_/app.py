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
_LATEST: Final = "$LATEST"
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
        # ministack lists URLs without saying whose they are.
        self._targets: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = Request(scope, receive)
        response = await self._forward(request)
        await response(scope, receive, send)

    async def _forward(self, request: Request) -> Response:
        target = _target(request)
        response = await asgi.call(self._ministack, request.scope, await request.body())
        if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            return response
        if request.method == "DELETE":
            await self._close(request, target)
            return response
        document = json.loads(bytes(response.body))
        if request.method in {"POST", "PUT"}:
            try:
                await self._thread.open(_settings(target, document))
            except NoPortError as error:
                # A URL that nothing serves must not exist.
                await asgi.call(self._ministack, _deletion(request.scope), b"")
                return rest_error(
                    HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequestsException", str(error)
                )
            self._targets[document["FunctionUrl"]] = target
        return asgi.with_body(response, json.dumps(self._with_address(document)).encode())

    async def _close(self, request: Request, target: str) -> None:
        """Close a URL, or all URLs of a function that was deleted."""
        if _URL_PATH.fullmatch(request.url.path):
            await self._thread.close(target)
        elif ":" not in target:
            for each in set(self._targets.values()):
                if each.partition(":")[0] == target:
                    await self._thread.close(each)

    def _with_address(self, document: Mapping[str, Any]) -> dict[str, Any]:
        if "FunctionUrlConfigs" in document:
            configs = [self._with_address(each) for each in document["FunctionUrlConfigs"]]
            return {**document, "FunctionUrlConfigs": configs}
        target = self._targets[document["FunctionUrl"]]
        _, colon, alias = target.partition(":")
        return {
            **document,
            "FunctionArn": f"{document['FunctionArn']}{colon}{alias}",
            "FunctionUrl": f"https://localhost:{self._thread.port(target)}/",
        }


def _deletion(scope: Scope) -> Scope:
    """Return the request that deletes the URL which a request has created."""
    return {**asgi.with_content_length(scope, 0), "method": "DELETE"}


def _target(request: Request) -> str:
    """Return the function that a request names, with a colon and the qualifier if there is one."""
    path = request.url.path
    found = _URL_PATH.fullmatch(path) or _FUNCTION_PATH.fullmatch(path)
    name = unquote(found[1]) if found else ""
    # An ARN ends with the function's name.
    name, _, qualifier = (name.partition(":function:")[2] or name).partition(":")
    qualifier = qualifier or request.query_params.get("Qualifier", "")
    return f"{name}:{qualifier}" if qualifier not in {"", _LATEST} else name


def _settings(target: str, document: Mapping[str, Any]) -> UrlSettings:
    return UrlSettings(
        function=target, auth_type=document["AuthType"], invoke_mode=document["InvokeMode"]
    )
