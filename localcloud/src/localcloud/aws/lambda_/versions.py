"""Versions and aliases of functions, where ministack accepts or returns what Lambda doesn't.

Source: the AWS Lambda API reference of each operation.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.lambda_.errors import rest_error

_FUNCTIONS: Final = "/2015-03-31/functions"
_CREATION: Final = re.compile(rf"{_FUNCTIONS}/?")
_CODE: Final = re.compile(rf"{_FUNCTIONS}/([^/]+)/code")
_PUBLICATION: Final = re.compile(rf"{_FUNCTIONS}/([^/]+)/versions")
_ALIAS: Final = re.compile(rf"{_FUNCTIONS}/([^/]+)/aliases(?:/[^/]+)?")
_POLICY: Final = re.compile(rf"{_FUNCTIONS}/([^/]+)/policy")
_ROUTES: Final = (
    ("POST", _CREATION),
    ("PUT", _CODE),
    ("POST", _PUBLICATION),
    ("POST", _ALIAS),
    ("PUT", _ALIAS),
    ("GET", _POLICY),
)
_POLL_SECONDS: Final = 0.05
_LONGEST_CHANGE: Final = 60.0
# What differs between a version and the function that it was published from.
_OF_ONE_VERSION: Final = frozenset(
    {
        "FunctionArn",
        "LastModified",
        "LastUpdateStatus",
        "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode",
        "RevisionId",
        "State",
        "StateReason",
        "StateReasonCode",
        "Version",
    }
)

Document = dict[str, Any]


def handles(scope: Scope) -> bool:
    """Return whether a request publishes a version, sets an alias, or reads a policy."""
    path, method = str(scope["path"]), str(scope["method"])
    return any(method == each and route.fullmatch(path) for each, route in _ROUTES)


class VersionsApp:
    """Corrects ministack's versions and aliases."""

    def __init__(self, ministack: ASGIApp, end_environments: Callable[[str, str], None]) -> None:
        """Pass requests on to ministack.

        Args:
            ministack: the store.
            end_environments: ends the environments of a version of a function, given both.
        """
        self._ministack = ministack
        self._end_environments = end_environments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = Request(scope, receive)
        response = await self._answer(request, await request.body())
        await response(scope, receive, send)

    async def _answer(self, request: Request, body: bytes) -> Response:
        path = request.url.path
        if found := _POLICY.fullmatch(path):
            return await self._policy(request, _name(found[1]))
        if found := _PUBLICATION.fullmatch(path):
            return await self._publish(request.scope, _name(found[1]), body)
        if found := _ALIAS.fullmatch(path):
            return await self._set_alias(request.scope, _name(found[1]), body)
        return await self._change(request.scope, body)

    async def _change(self, scope: Scope, body: bytes) -> Response:
        """Create a function or change its code, and publish a version afterwards if asked to.

        ministack's own version has the ARN of the function, and never becomes active.
        """
        document = _document(body)
        if not document.get("Publish"):
            return await asgi.call(self._ministack, scope, body)
        changed = json.dumps({**document, "Publish": False}).encode()
        response = await asgi.call(
            self._ministack, asgi.with_content_length(scope, len(changed)), changed
        )
        if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            return response
        described: Document = json.loads(bytes(response.body))
        await self._wait_until_changed(scope, described["FunctionName"])
        published = await self._publish(scope, described["FunctionName"], b"{}")
        version: Document = json.loads(bytes(published.body))
        own = {name: version[name] for name in ("Version", "FunctionArn")}
        return asgi.with_body(response, json.dumps({**described, **own}).encode())

    async def _publish(self, scope: Scope, name: str, body: bytes) -> Response:
        """Publish a version, unless nothing has changed since the last one."""
        versions = await self._versions(scope, name)
        if versions and _is_changing(versions[0]):
            return rest_error(
                HTTPStatus.CONFLICT,
                "ResourceConflictException",
                "The operation cannot be performed at this time. An update is in progress for"
                f" resource: {versions[0]['FunctionArn']}",
            )
        latest, *published = versions or [{}]
        if published and _content(published[-1]) == _content(latest):
            return Response(json.dumps(published[-1]), HTTPStatus.CREATED, _JSON)
        return await self._call(scope, "POST", f"{_FUNCTIONS}/{name}/versions", body)

    async def _set_alias(self, scope: Scope, name: str, body: bytes) -> Response:
        """Set an alias, if the version that it names exists."""
        version = _document(body).get("FunctionVersion")
        versions = await self._versions(scope, name)
        if version and versions and version not in {each["Version"] for each in versions}:
            return rest_error(
                HTTPStatus.NOT_FOUND,
                "ResourceNotFoundException",
                f"Function not found: {versions[0]['FunctionArn']}:{version}",
            )
        used = await self._versions_with_alias(scope, name)
        response = await asgi.call(self._ministack, scope, body)
        # ministack keeps one environment of each version for ever.
        for each in used - await self._versions_with_alias(scope, name):
            await asyncio.to_thread(self._end_environments, name, each)
        return response

    async def _versions_with_alias(self, scope: Scope, name: str) -> set[str]:
        response = await self._call(scope, "GET", f"{_FUNCTIONS}/{name}/aliases", b"")
        if response.status_code != HTTPStatus.OK:
            return set()
        aliases = json.loads(bytes(response.body))["Aliases"]
        return {each["FunctionVersion"] for each in aliases}

    async def _policy(self, request: Request, name: str) -> Response:
        """Return the policy of what the request names: a function's isn't its aliases'."""
        response = await asgi.call(self._ministack, request.scope, b"")
        qualified = ":" in name or request.query_params.get("Qualifier")
        if qualified or response.status_code != HTTPStatus.OK:
            return response
        document: Document = json.loads(bytes(response.body))
        policy: Document = json.loads(document["Policy"])
        own = [each for each in policy["Statement"] if each["Resource"].endswith(f":{name}")]
        if not own:
            return rest_error(
                HTTPStatus.NOT_FOUND,
                "ResourceNotFoundException",
                "The resource you requested does not exist.",
            )
        document["Policy"] = json.dumps({**policy, "Statement": own})
        return asgi.with_body(response, json.dumps(document).encode())

    async def _wait_until_changed(self, scope: Scope, name: str) -> None:
        async with asyncio.timeout(_LONGEST_CHANGE):
            # ministack changes it by a timer, and reports no event.
            while _is_changing((await self._versions(scope, name))[0]):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)

    async def _versions(self, scope: Scope, name: str) -> list[Document]:
        """Return a function's versions, $LATEST and then the oldest first; none if it is gone."""
        found: list[Document] = []
        marker: str | None = ""
        while marker is not None:
            query = f"Marker={marker}" if marker else ""
            path = f"{_FUNCTIONS}/{name}/versions"
            response = await self._call(scope, "GET", path, b"", query)
            if response.status_code != HTTPStatus.OK:
                return []
            page = json.loads(bytes(response.body))
            found += page["Versions"]
            marker = page.get("NextMarker")
        return found

    async def _call(
        self, scope: Scope, method: str, path: str, body: bytes, query: str = ""
    ) -> Response:
        changed = {
            **asgi.with_content_length(scope, len(body)),
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
        }
        return await asgi.call(self._ministack, changed, body)


_JSON: Final = {"content-type": "application/json"}


def _name(part: str) -> str:
    """Return the function's name in a path, with its qualifier if there is one."""
    name = unquote(part)
    # An ARN ends with the function's name.
    return name.partition(":function:")[2] or name


def _document(body: bytes) -> Document:
    """Return a request's document; an empty one if ministack has to refuse the request."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _is_changing(function: Mapping[str, Any]) -> bool:
    return function.get("State") == "Pending" or function.get("LastUpdateStatus") == "InProgress"


def _content(function: Mapping[str, Any]) -> Document:
    return {name: value for name, value in function.items() if name not in _OF_ONE_VERSION}
