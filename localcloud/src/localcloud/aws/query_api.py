"""A service with AWS's query protocol over HTTP: from the request to the operation, and back."""

import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from localcloud.aws.protocol import ApiError
from localcloud.aws.query_protocol import CONTENT_TYPE, QueryProtocol

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class QueryApi:
    """ASGI application for a service's API.

    Attributes:
        protocol: reads and validates requests.
        call: executes an operation with a validated request.
    """

    protocol: QueryProtocol
    call: Callable[[str, dict[str, Any]], Awaitable[Mapping[str, Any]]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        body = await Request(scope, receive).body()
        operation, status = "", int(HTTPStatus.OK)
        try:
            operation, parameters = self.protocol.read(body)
            result = await self.call(operation, parameters)
            content = self.protocol.encode(operation, result)
        except ApiError as error:
            status, content = error.status, self.protocol.encode_error(error)
        except Exception:  # whatever goes wrong here, the caller gets AWS's error  # noqa: BLE001
            _LOG.exception("%s failed", operation)
            status = int(HTTPStatus.INTERNAL_SERVER_ERROR)
            failure = ApiError("InternalFailure", "See the stand-in's output.", status)
            content = self.protocol.encode_error(failure)
        headers = {"content-type": CONTENT_TYPE, "x-amzn-requestid": str(uuid.uuid4())}
        await Response(content, status, headers)(scope, receive, send)
