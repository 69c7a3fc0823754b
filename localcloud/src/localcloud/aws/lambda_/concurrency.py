"""The account's limit of concurrent executions, and what functions may reserve from it.

ministack stores a reservation of any size.
"""

import asyncio
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

DEFAULT_LIMIT: Final = 1000
"""Source: "Lambda quotas" in the AWS Lambda Developer Guide. New accounts can have less."""
_KEPT_UNRESERVED: Final = 100
_SETTINGS_PATH: Final = re.compile(r"/2016-08-19/account-settings/?")
_RESERVATION_PATH: Final = re.compile(r"/2017-10-31/functions/([^/]+)/concurrency")
_FUNCTIONS_PATH: Final = "/2015-03-31/functions/"
_PAGE: Final = 50


def handles(scope: Scope) -> bool:
    """Return whether a request reads the account's limit or reserves some of it."""
    path, method = str(scope["path"]), str(scope["method"])
    if _SETTINGS_PATH.fullmatch(path):
        return method == "GET"
    return method == "PUT" and _RESERVATION_PATH.fullmatch(path) is not None


class ConcurrencyApp:
    """Serves the account's limit, with ministack as the store of reservations."""

    def __init__(self, ministack: ASGIApp) -> None:
        """Start with the limit that accounts have by default."""
        self._ministack = ministack
        self._limit = DEFAULT_LIMIT
        # The sum that one reservation has checked must stay true until it is stored.
        self._reserving = asyncio.Lock()

    def set_limit(self, limit: int) -> None:
        """Change the account's limit; reservations stay."""
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = Request(scope, receive)
        answer = self._settings if request.method == "GET" else self._reserve
        response = await answer(request)
        await response(scope, receive, send)

    async def _settings(self, request: Request) -> Response:
        response = await asgi.call(self._ministack, request.scope, b"")
        document = json.loads(bytes(response.body))
        reserved = sum((await self._reservations(request.scope)).values())
        document["AccountLimit"] |= {
            "ConcurrentExecutions": self._limit,
            "UnreservedConcurrentExecutions": self._limit - reserved,
        }
        return asgi.with_body(response, json.dumps(document).encode())

    async def _reserve(self, request: Request) -> Response:
        body = await request.body()
        async with self._reserving:
            return await self._checked_reservation(request, body)

    async def _checked_reservation(self, request: Request, body: bytes) -> Response:
        others = await self._reservations(request.scope)
        others.pop(_function_name(request.url.path), None)
        wanted = _wanted(body)
        minimum = min(_KEPT_UNRESERVED, self._limit)
        if wanted and self._limit - sum(others.values()) - wanted < minimum:
            return rest_error(
                HTTPStatus.BAD_REQUEST,
                "InvalidParameterValueException",
                "Specified ReservedConcurrentExecutions for function decreases account's"
                f" UnreservedConcurrentExecution below its minimum value of [{minimum}].",
            )
        return await asgi.call(self._ministack, request.scope, body)

    async def _reservations(self, scope: Scope) -> dict[str, int]:
        """Return what each function has reserved, as ministack stores it."""
        found: dict[str, int] = {}
        marker: str | None = ""
        while marker is not None:
            query = f"MaxItems={_PAGE}" + (f"&Marker={marker}" if marker else "")
            page = await self._read(scope, _FUNCTIONS_PATH, query)
            for function in page["Functions"]:
                name = function["FunctionName"]
                stored = await self._read(scope, f"/2019-09-30/functions/{name}/concurrency", "")
                found[name] = stored.get("ReservedConcurrentExecutions", 0)
            marker = page.get("NextMarker")
        return found

    async def _read(self, scope: Scope, path: str, query: str) -> dict[str, Any]:
        reading = {
            **asgi.with_content_length(scope, 0),
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
        }
        response = await asgi.call(self._ministack, reading, b"")
        document: dict[str, Any] = json.loads(bytes(response.body))
        return document


def share_reservations(service: Any) -> None:  # noqa: ANN401 - a module without types
    """Make ministack count what all versions of a function run against its reservation.

    ministack limits only $LATEST. Source: "Configuring reserved concurrency for a function" in the
    AWS Lambda Developer Guide.

    Args:
        service: the module ministack.services.lambda_svc.
    """
    known = service._reserved_concurrency  # noqa: SLF001  ministack publishes no such place
    functions = service._functions  # noqa: SLF001  the same

    def reserved(version: Mapping[str, Any], config: Mapping[str, Any]) -> int | None:
        found: int | None = known(functions.get(config.get("FunctionName")) or version, config)
        return found

    service._reserved_concurrency = reserved  # noqa: SLF001  the same


def _function_name(path: str) -> str:
    found = _RESERVATION_PATH.fullmatch(path)
    name = unquote(found[1]) if found else ""
    # An ARN ends with the function's name.
    return name.partition(":function:")[2] or name


def _wanted(body: bytes) -> int:
    """Return the size of a reservation; 0 if ministack has to judge the request."""
    try:
        wanted = json.loads(body)["ReservedConcurrentExecutions"]
    except (ValueError, KeyError, TypeError):
        return 0
    return wanted if isinstance(wanted, int) else 0
