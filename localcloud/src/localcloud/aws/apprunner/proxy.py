"""A service's HTTPS proxy: passes each request to an instance.

As on App Runner, TLS ends here, and instances receive HTTP/1.1 with the caller's address and scheme
in X-Forwarded-For and X-Forwarded-Proto. WebSockets are refused (App Runner has none). Requests
over the service's capacity get 429 until instances have been added (App Runner's public roadmap, on
429 while scaling out). A request, including its body, ends after 120 s (developer guide, Developing
application code).
"""

import asyncio
import logging
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict

from localcloud import loopback
from localcloud.aws import forwarding
from localcloud.aws.apprunner.containers import Instance
from localcloud.aws.apprunner.request_counter import RequestCounter

if TYPE_CHECKING:
    from localcloud.aws.apprunner.instance_group import InstanceGroup

_LOG = logging.getLogger(__name__)
# aiohttp logs a malformed request with its headers, and so with the caller's token.
_PROTOCOL_LOG = logging.getLogger(f"{__name__}.protocol")
_PROTOCOL_LOG.setLevel(logging.CRITICAL + 1)
_SERVER = "envoy"
"""The Server header of App Runner's responses."""
_KEEP_ALIVE = 30.0
_MAX_HEADER = 60 * 1024
"""Bytes of one header, Envoy's default: tokens with many groups get long."""


class ServiceProxy:
    """One service's HTTPS port.

    Attributes:
        counter: counts its requests.
        group: the instances that receive them; without any, every request gets 503.
    """

    def __init__(self, *, request_timeout: float, session: aiohttp.ClientSession) -> None:
        """Start without instances.

        Args:
            request_timeout: seconds until a request ends, including its body.
            session: sends requests to the instances.
        """
        self.counter = RequestCounter()
        self.group: InstanceGroup | None = None
        self._request_timeout = request_timeout
        self._session = session
        self._runner: web.ServerRunner | None = None
        self._port = 0

    async def open(self, host: str, port: int, context: ssl.SSLContext) -> None:
        """Start to listen.

        Raises:
            OSError: the port is in use.
        """
        self._port = port
        server = web.Server(
            self._serve,
            access_log=None,
            logger=_PROTOCOL_LOG,
            handler_cancellation=True,
            keepalive_timeout=_KEEP_ALIVE,
            max_line_size=_MAX_HEADER,
            max_field_size=_MAX_HEADER,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=context, backlog=1024).start()

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        hosts = request.headers.getall(hdrs.HOST, [])
        if len(hosts) != 1 or not loopback.is_known(hosts[0], port=self._port):
            # App Runner finds a service by its host name, so no other name reaches it.
            return _refusal(HTTPStatus.NOT_FOUND, "no service has this host name")
        loop = asyncio.get_running_loop()
        started = loop.time()
        self.counter.start()
        try:
            async with asyncio.timeout(self._request_timeout):
                response = await self._forward(request)
        except TimeoutError:
            response = _refusal(HTTPStatus.GATEWAY_TIMEOUT, "upstream request timeout")
            forwarding.abort_started_response(request)
        except Exception:  # an error in the stand-in is the caller's 500  # noqa: BLE001
            _LOG.exception("a request could not be forwarded")
            response = _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "see the stand-in's output")
            forwarding.abort_started_response(request)
        finally:
            self.counter.end()
        self.counter.count(response.status, loop.time() - started)
        return response

    async def _forward(self, request: web.BaseRequest) -> web.StreamResponse:
        if not request.raw_path.startswith("/"):
            return _refusal(HTTPStatus.BAD_REQUEST, "the request's target is not a path")
        if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            return _refusal(HTTPStatus.FORBIDDEN, "WebSockets are not supported")
        if self.group is None:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the service has no instances")
        return await self._try_instances(request, await forwarding.read_body(request))

    async def _try_instances(
        self, request: web.BaseRequest, body: forwarding.Body
    ) -> web.StreamResponse:
        unreachable: list[Instance] = []
        # Read each time: a deployment may have replaced the group while the body arrived.
        while instance := self.group and self.group.acquire(excluding=unreachable):
            try:
                return await self._send_to(instance, request, body)
            except aiohttp.ClientConnectorError:
                # Nothing has been sent, so another instance can process the request.
                unreachable.append(instance)
            except aiohttp.ClientError:
                forwarding.abort_started_response(request)
                break
            finally:
                instance.end_request()
        else:
            if not unreachable:
                return _refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests")
        return _refusal(
            HTTPStatus.SERVICE_UNAVAILABLE, "the instance closed the connection without a response"
        )

    async def _send_to(
        self,
        instance: Instance,
        request: web.BaseRequest,
        body: forwarding.Body,
    ) -> web.StreamResponse:
        return await forwarding.forward(
            request,
            session=self._session,
            address=(instance.host, instance.port),
            headers=_request_headers(request),
            body=body,
            server=_SERVER,
        )


def _request_headers(request: web.BaseRequest) -> CIMultiDict[str]:
    headers = forwarding.end_to_end(request.headers)
    caller = request.remote or ""
    forwarded = headers.get(hdrs.X_FORWARDED_FOR)
    headers[hdrs.X_FORWARDED_FOR] = f"{forwarded}, {caller}" if forwarded else caller
    headers[hdrs.X_FORWARDED_PROTO] = "https"
    return headers


def _refusal(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=text, headers={hdrs.SERVER: _SERVER})


def instance_session() -> aiohttp.ClientSession:
    """Create the client for instances, which changes nothing in a message; the caller closes it."""
    return forwarding.forwarding_session(keep_alive=_KEEP_ALIVE / 2, max_header=_MAX_HEADER)
