"""Operations of the stand-in itself, for tests.

They cause what AWS does by itself or only after a while. A request looks like one of AWS's JSON
services, and is signed for the service `localcloud`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.httpsession
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from localcloud.access_key import AccessKey
from localcloud.aws.protocol import CONTENT_TYPE_1_1, ApiError, encode, encode_error

SERVICE: Final = "localcloud"
TARGET_PREFIX: Final = "LocalCloud"
_TIME_LIMIT: Final = 30

Operation = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Runs with the request's parameters, and returns the result's members."""


class ControlError(Exception):
    """An operation of the stand-in failed."""


class ControlApp:
    """ASGI application for the stand-in's own operations."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        """Serve operations by their names."""
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = Request(scope, receive)
        name = request.headers["x-amz-target"].removeprefix(f"{TARGET_PREFIX}.")
        try:
            result = await self._operation(name)(_parameters(await request.body()))
            status, body = int(HTTPStatus.OK), encode(result)
        except ApiError as error:
            status, body = error.status, encode_error(error)
        await Response(body, status, {"content-type": CONTENT_TYPE_1_1})(scope, receive, send)

    def _operation(self, name: str) -> Operation:
        operation = self._operations.get(name)
        if operation is None:
            known = ", ".join(sorted(self._operations))
            raise ApiError(
                "UnknownOperationException", f"No operation is named {name!r}, only: {known}."
            )
        return operation


@dataclass(frozen=True, kw_only=True)
class ControlClient:
    """Calls the stand-in's own operations.

    Attributes:
        url: the endpoint's URL.
        region: its region.
        key: its access key.
    """

    url: str
    region: str
    key: AccessKey

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Run an operation, and return its result.

        Raises:
            ControlError: the stand-in refuses it.
        """
        request = botocore.awsrequest.AWSRequest(
            method="POST",
            url=f"{self.url}/",
            headers={
                "content-type": CONTENT_TYPE_1_1,
                "x-amz-target": f"{TARGET_PREFIX}.{operation}",
            },
            data=json.dumps(parameters).encode(),
        )
        credentials = botocore.credentials.Credentials(self.key.key_id, self.key.secret)
        botocore.auth.SigV4Auth(credentials, SERVICE, self.region).add_auth(request)
        session = botocore.httpsession.URLLib3Session(timeout=_TIME_LIMIT)
        try:
            response = session.send(request.prepare())
        finally:
            session.close()
        if response.status_code != HTTPStatus.OK:
            raise ControlError(f"{operation}: HTTP {response.status_code}: {response.text}")
        content: dict[str, Any] = json.loads(response.content)
        return content


def number(parameters: Mapping[str, Any], name: str) -> float:
    """Return a parameter that must be a number, zero or more.

    Raises:
        ApiError: it isn't.
    """
    value = parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ApiError("ValidationException", f"{name} must be a number, zero or more.")
    return float(value)


def flag(parameters: Mapping[str, Any], name: str) -> bool:
    """Return a parameter that must be true or false.

    Raises:
        ApiError: it isn't.
    """
    value = parameters.get(name)
    if not isinstance(value, bool):
        raise ApiError("ValidationException", f"{name} must be true or false.")
    return value


def _parameters(body: bytes) -> Mapping[str, Any]:
    try:
        parameters = json.loads(body or b"{}")
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise ApiError("SerializationException", "The request's body is not a JSON object.")
    return parameters
