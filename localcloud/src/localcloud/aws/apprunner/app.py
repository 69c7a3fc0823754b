"""App Runner's API over HTTP: reads and validates a request, and encodes the response."""

import contextlib
import copy
import logging
import uuid
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from localcloud.aws.apprunner.thread import AppRunnerThread
from localcloud.aws.ecr.models import Registry
from localcloud.aws.protocol import (
    CONTENT_TYPE,
    ApiError,
    ServiceProtocol,
    encode,
    encode_error,
    without_nulls,
)

TARGET_PREFIX = "AppRunner"
_LOG = logging.getLogger(__name__)


class AppRunnerApp:
    """ASGI application for App Runner's API."""

    def __init__(self, thread: AppRunnerThread, registry: Registry) -> None:
        """Pass requests on to App Runner on its thread."""
        self._thread = thread
        self._registry = registry
        self._protocol = ServiceProtocol("apprunner")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = Request(scope, receive)
        target = request.headers["x-amz-target"]
        status: int
        try:
            operation, parameters = self._protocol.read(target, await request.body())
            self._protocol.validate(operation, self._with_aws_image(parameters))
            result = await self._thread.call(operation, without_nulls(parameters))
            status, body = HTTPStatus.OK, encode(result)
        except ApiError as error:
            status, body = error.status, encode_error(error)
        except Exception:  # whatever goes wrong here, the caller gets AWS's error  # noqa: BLE001
            _LOG.exception("%s failed", target)
            failure = ApiError("InternalServiceErrorException", "See the stand-in's output.")
            status, body = HTTPStatus.INTERNAL_SERVER_ERROR, encode_error(failure)
        headers = {"content-type": CONTENT_TYPE, "x-amzn-requestid": str(uuid.uuid4())}
        await Response(body, status, headers)(scope, receive, send)

    def _with_aws_image(self, parameters: Any) -> Any:  # noqa: ANN401 - not validated yet
        """Return the request with the image's name on AWS.

        ImageIdentifier's pattern accepts only registries under amazonaws.com; the local one is
        the account's own at another address.
        """
        named = copy.deepcopy(parameters)
        # Validation reports a request of another shape.
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            image = named["SourceConfiguration"]["ImageRepository"]
            image["ImageIdentifier"] = self._registry.to_aws(image["ImageIdentifier"])
        return named
