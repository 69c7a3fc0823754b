"""CloudFront's API over HTTP."""

import logging
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from localcloud.aws.cloudfront.operations import CloudFront
from localcloud.aws.protocol import ApiError
from localcloud.aws.rest_xml import RestXmlProtocol, XmlRequest

PATH_PREFIX: Final = "/2020-05-31/"
_LOG = logging.getLogger(__name__)


class CloudFrontApp:
    """ASGI application for CloudFront's API."""

    def __init__(self, cloudfront: CloudFront) -> None:
        """Serve an account's CloudFront."""
        self._cloudfront = cloudfront
        self._protocol = RestXmlProtocol("cloudfront")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = Request(scope, receive)
        try:
            operation, parameters = self._protocol.read(
                XmlRequest(
                    method=request.method,
                    path=request.scope["raw_path"].decode("latin-1"),
                    query=request.url.query,
                    headers=request.headers,
                    body=await request.body(),
                )
            )
            result = await self._cloudfront.call(operation, parameters)
            response = self._protocol.encode(operation, result)
        except ApiError as error:
            response = self._protocol.encode_error(error)
        except Exception:  # whatever goes wrong here, the caller gets AWS's error  # noqa: BLE001
            _LOG.exception("%s %s failed", request.method, request.url.path)
            response = self._protocol.encode_error(
                ApiError(
                    "InternalError",
                    "See the stand-in's output.",
                    HTTPStatus.INTERNAL_SERVER_ERROR,
                )
            )
        await Response(response.body, response.status, dict(response.headers))(scope, receive, send)
