"""One function's URL: its HTTPS port, and the path of each request to the function."""

import json
import logging
import ssl
import time
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web
from multidict import CIMultiDict

from localcloud import loopback
from localcloud.aws.lambda_ import events, invocation_metrics
from localcloud.aws.lambda_.events import UrlRequest, UrlResponse
from localcloud.aws.lambda_.functions import Functions
from localcloud.aws.metric_sender import Publish

_LOG = logging.getLogger(__name__)
# aiohttp logs a malformed request with its headers, and so with the caller's token.
_PROTOCOL_LOG = logging.getLogger(f"{__name__}.protocol")
_PROTOCOL_LOG.setLevel(logging.CRITICAL + 1)
_KEEP_ALIVE: Final = 30.0
_MAX_HEADER: Final = 60 * 1024
# RFC 9110, section 7.6.1, and what the HTTP server sets itself.
_OF_ONE_CONNECTION: Final = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True, kw_only=True)
class UrlSettings:
    """How a function's URL is configured.

    Attributes:
        function: the function's name, with a colon and the alias if the URL is an alias's.
        auth_type: NONE or AWS_IAM.
        invoke_mode: BUFFERED or RESPONSE_STREAM.
    """

    function: str
    auth_type: str = "NONE"
    invoke_mode: str = "BUFFERED"


class FunctionUrl:
    """One function's HTTPS port.

    Attributes:
        settings: its configuration, which can change.
        port: its port; 0 until it is open.
    """

    def __init__(self, settings: UrlSettings, functions: Functions, publish: Publish) -> None:
        """Prepare, without a port.

        Args:
            settings: its configuration.
            functions: the account's functions.
            publish: takes the data points of requests.
        """
        self.settings = settings
        self.port = 0
        self._functions = functions
        self._publish = publish
        self._runner: web.ServerRunner | None = None

    async def open(self, host: str, port: int, context: ssl.SSLContext) -> None:
        """Start to listen.

        Raises:
            OSError: the port is in use.
        """
        server = web.Server(
            self._serve,
            access_log=None,
            logger=_PROTOCOL_LOG,
            keepalive_timeout=_KEEP_ALIVE,
            max_line_size=_MAX_HEADER,
            max_field_size=_MAX_HEADER,
        )
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, ssl_context=context, backlog=1024).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner, self.port = runner, port

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        hosts = request.headers.getall(hdrs.HOST, [])
        if len(hosts) != 1 or not loopback.is_known(hosts[0], port=self.port):
            # Lambda finds a function by its host name, so no other name reaches it.
            return _encoded(events.forbidden())
        at, began = time.time(), time.monotonic()
        try:
            response = _encoded(await self._answer(request, hosts[0]))
        except Exception:  # an error in the stand-in is the caller's 500  # noqa: BLE001
            _LOG.exception("a request to a function URL failed")
            response = web.Response(status=500, text="see the stand-in's output")
        self._publish(
            invocation_metrics.of_url_request(
                self.settings.function,
                at=at,
                seconds=time.monotonic() - began,
                status=response.status,
            )
        )
        return response

    async def _answer(self, request: web.BaseRequest, host: str) -> UrlResponse:
        settings = self.settings
        if settings.auth_type != "NONE" or not await self._functions.is_public(settings.function):
            return events.forbidden()
        if settings.invoke_mode != "BUFFERED":
            return events.unsupported(f"invoke mode {settings.invoke_mode}")
        payload = await _payload(request, host)
        return events.too_large() if payload is None else await self._invoke(payload)

    async def _invoke(self, payload: bytes) -> UrlResponse:
        invocation = await self._functions.invoke(self.settings.function, payload)
        if invocation.is_throttled:
            return events.throttled(json.loads(invocation.payload))
        if invocation.failed:
            return events.internal_error()
        return events.response_of(invocation.payload)


async def _payload(request: web.BaseRequest, host: str) -> bytes | None:
    """Return a request as the payload of an invocation; None if Lambda refuses one of that size."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > events.LARGEST_EVENT:
            return None
    path, _, query = request.raw_path.partition("?")
    return events.encode(
        events.event_of(
            UrlRequest(
                method=request.method,
                path=path,
                query=query,
                headers=_end_to_end(request),
                body=bytes(body),
                source=request.remote or "",
                host=host,
            )
        )
    )


def _end_to_end(request: web.BaseRequest) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value)
        for name, value in request.headers.items()
        if name.lower() not in _OF_ONE_CONNECTION - {"content-length"}
    )


def _encoded(response: UrlResponse) -> web.Response:
    headers = CIMultiDict(
        (name, value) for name, value in response.headers if name.lower() not in _OF_ONE_CONNECTION
    )
    return web.Response(status=response.status, headers=headers, body=response.body)
