"""A service with AWS's JSON protocol over HTTP: from the request to the operation, and back."""

import gzip
import logging
import uuid
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from localcloud.aws.protocol import (
    ApiError,
    ServiceProtocol,
    encode,
    encode_error,
    without_nulls,
)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class JsonApi:
    """ASGI application for a service's API.

    Attributes:
        protocol: reads and validates requests.
        call: executes an operation with a validated request.
        content_type: the content type of responses.
        internal_error: the code of the error for a fault in the stand-in.
        as_validated: changes a request for its validation only.
    """

    protocol: ServiceProtocol
    call: Callable[[str, dict[str, Any]], Awaitable[Mapping[str, Any]]]
    content_type: str
    internal_error: str
    as_validated: Callable[[Any], Any] = lambda parameters: parameters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = Request(scope, receive)
        target = request.headers["x-amz-target"]
        status: int
        extra: Mapping[str, str] = {}
        try:
            content = _decompressed(await request.body(), request.headers)
            operation, parameters = self.protocol.read(target, content)
            self.protocol.validate(operation, self.as_validated(parameters))
            result = await self.call(operation, without_nulls(parameters))
            status, body = HTTPStatus.OK, encode(result)
        except ApiError as error:
            status, body = error.status, encode_error(error)
            extra = self.protocol.error_headers(error)
        except Exception:  # whatever goes wrong here, the caller gets AWS's error  # noqa: BLE001
            _LOG.exception("%s failed", target)
            failure = ApiError(self.internal_error, "See the stand-in's output.")
            status, body = HTTPStatus.INTERNAL_SERVER_ERROR, encode_error(failure)
        request_id = str(uuid.uuid4())
        headers = {"content-type": self.content_type, "x-amzn-requestid": request_id, **extra}
        await Response(body, status, headers)(scope, receive, send)


def _decompressed(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return a body, which SDKs compress if it is long and the operation lets them."""
    encoding = headers.get("content-encoding", "identity")
    if encoding == "identity":
        return body
    try:
        if encoding == "gzip":
            return gzip.decompress(body)
    except (EOFError, OSError, zlib.error) as error:
        raise ApiError("SerializationException", "The request's body is not gzip.") from error
    raise ApiError("SerializationException", f"The content encoding {encoding} isn't supported.")
