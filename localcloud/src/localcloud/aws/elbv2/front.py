"""A listener's port: passes each request to a target.

Source: user guide, "Troubleshoot your Application Load Balancers", for the statuses.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

import aiohttp
from aiohttp import hdrs, web

from localcloud import loopback
from localcloud.aws import forwarding
from localcloud.aws import logged_messages as messages
from localcloud.aws.elbv2 import forwarded
from localcloud.aws.elbv2.access_log import AccessEntry
from localcloud.aws.elbv2.counts import ServedRequest
from localcloud.aws.elbv2.forwarded import Arrival
from localcloud.aws.elbv2.pool import Member, TargetPool

_LOG = logging.getLogger(__name__)
# aiohttp logs a malformed request with its headers, and so with the caller's token.
_PROTOCOL_LOG = logging.getLogger(f"{__name__}.protocol")
_PROTOCOL_LOG.setLevel(logging.CRITICAL + 1)
_MAX_HEADER: Final = 16 * 1024
"""Bytes of the request line, and of one header (user guide, Quotas)."""
_CONNECT_TIMEOUT: Final = 10.0
_SERVER: Final = "awselb/2.0"
_SHUTDOWN: Final = 1.0
_TRACE_KEY: Final = web.RequestKey("trace", str)


@dataclass(frozen=True, kw_only=True)
class FrontSettings:
    """What a listener's port depends on.

    Attributes:
        load_balancer: the load balancer's name in its log.
        protocol, port: of the listener, as callers on AWS see it.
        host_names: the host names that requests over HTTP may have; any over HTTPS, where the
            certificate keeps web pages out.
        attributes: the load balancer's.
        pool: the targets.
    """

    load_balancer: str
    protocol: str
    port: int
    host_names: frozenset[str]
    attributes: Mapping[str, str]
    pool: TargetPool

    @property
    def idle_timeout(self) -> float:
        """Seconds after which a silent connection is closed."""
        return float(self.attributes["idle_timeout.timeout_seconds"])


class Counter(Protocol):
    """Counts and logs requests."""

    def count(self, target_group: str, request: ServedRequest) -> None:
        """Count a request for a target group."""

    def log(self, entry: AccessEntry) -> None:
        """Log a request."""


class Front:
    """One listener's port on this machine.

    Attributes:
        address: where it listens.
    """

    def __init__(self, settings: FrontSettings, counter: Counter) -> None:
        """Prepare, without a port."""
        self.address = ("", 0)
        self._settings = settings
        self._counter = counter
        # The last of each serves new connections and requests; the others end with theirs.
        self._sessions = [_session(settings)]
        self._servers = [self._new_server()]
        self._listener: asyncio.Server | None = None

    async def open(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Start to listen; port 0 chooses a free one.

        Raises:
            OSError: the port isn't available.
        """
        self._listener = await asyncio.get_running_loop().create_server(
            self._new_connection,
            host,
            port,
            ssl=context,
            backlog=1024,
        )
        name = self._listener.sockets[0].getsockname()
        self.address = (str(name[0]), int(name[1]))

    async def change_context(self, context: ssl.SSLContext | None) -> None:
        """Use another certificate, or none, for new connections; no connection is lost."""
        if (earlier := self._listener) is None:
            return
        # Both sockets share one queue of connections, which outlives the first.
        shared = earlier.sockets[0].dup()
        self._listener = await asyncio.get_running_loop().create_server(
            self._new_connection, sock=shared, ssl=context, backlog=1024
        )
        earlier.close()

    async def change(self, settings: FrontSettings) -> None:
        """Use other settings from the next request on."""
        earlier, self._settings = self._settings, settings
        if settings.idle_timeout != earlier.idle_timeout:
            self._servers.append(self._new_server())
            self._sessions.append(_session(settings))

    async def close(self) -> None:
        """Stop to listen, and end all connections."""
        if self._listener is not None:
            self._listener.close()
        for server in self._servers:
            server.pre_shutdown()
            await server.shutdown(_SHUTDOWN)
        for session in self._sessions:
            await session.close()

    def _new_connection(self) -> asyncio.Protocol:
        # Decided for each connection, since the settings change.
        return self._servers[-1]()

    def _new_server(self) -> web.Server:
        return web.Server(
            self._serve,
            access_log=None,
            logger=_PROTOCOL_LOG,
            handler_cancellation=True,
            keepalive_timeout=self._settings.idle_timeout,
            max_line_size=_MAX_HEADER,
            max_field_size=_MAX_HEADER,
        )

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        started, arrived = asyncio.get_running_loop().time(), time.time()
        settings = self._settings
        member: Member | None = None
        if self._is_refused(request):
            response: web.StreamResponse = _own(HTTPStatus.FORBIDDEN)
        elif request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            response = _own(HTTPStatus.NOT_IMPLEMENTED)
        elif (member := settings.pool.choose()) is None:
            response = _own(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            response = await self._send_to(member, request, settings)
        is_own = isinstance(response, _OwnResponse)
        seconds = asyncio.get_running_loop().time() - started
        self._counter.count(
            settings.pool.group.arn,
            ServedRequest(
                status=response.status,
                is_own=is_own,
                reached_target=member is not None,
                seconds=seconds,
            ),
        )
        self._counter.log(
            AccessEntry(
                load_balancer=settings.load_balancer,
                target_group_arn=settings.pool.group.arn,
                protocol=settings.protocol,
                port=settings.port,
                arrived=arrived,
                answered=arrived + seconds,
                caller=messages.peer(request),
                target=None if member is None else (member.target.id, member.target.port),
                status=response.status,
                is_own=is_own,
                received=messages.received(request),
                sent=messages.sent(response),
                method=request.method,
                host=request.headers.get(hdrs.HOST, ""),
                path=request.raw_path,
                user_agent=request.headers.get(hdrs.USER_AGENT, ""),
                trace=request.get(_TRACE_KEY, ""),
                tls=messages.tls(request),
            )
        )
        return response

    def _is_refused(self, request: web.BaseRequest) -> bool:
        """Return whether a request may come from a web page, or has no path."""
        if not request.raw_path.startswith("/"):
            return True
        settings = self._settings
        if settings.protocol == "HTTPS":
            return False
        host = request.headers.get(hdrs.HOST, "")
        name, _, port = host.lower().rpartition(":")
        plain = name if port.isdecimal() and name else host.lower()
        return plain not in settings.host_names and not loopback.is_known(
            host, port=self.address[1]
        )

    async def _send_to(
        self, member: Member, request: web.BaseRequest, settings: FrontSettings
    ) -> web.StreamResponse:
        work = asyncio.ensure_future(self._forward(member, request, settings))
        member.begin(work)
        try:
            return await work
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            # The deregistration delay has ended.
            status = HTTPStatus.BAD_GATEWAY
        except forwarding.SilentCallerError:
            forwarding.abort_started_response(request)
            response = _own(HTTPStatus.REQUEST_TIMEOUT)
            # The rest of the body could be read as another request.
            response.force_close()
            return response
        except TimeoutError:
            status = HTTPStatus.GATEWAY_TIMEOUT
        except aiohttp.ClientError:
            status = HTTPStatus.BAD_GATEWAY
        except Exception:  # an error in the stand-in is the caller's 500  # noqa: BLE001
            _LOG.exception("a request could not be forwarded")
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        finally:
            member.end(work)
        forwarding.abort_started_response(request)
        return _own(status)

    async def _forward(
        self, member: Member, request: web.BaseRequest, settings: FrontSettings
    ) -> web.StreamResponse:
        headers = forwarding.end_to_end(request.headers)
        caller, caller_port = messages.peer(request)
        arrival = Arrival(
            caller=caller,
            caller_port=caller_port,
            protocol=settings.protocol,
            port=settings.port,
            at=time.time(),
        )
        forwarded.add(headers, arrival, settings.attributes)
        request[_TRACE_KEY] = headers[forwarded.TRACE]
        return await forwarding.forward(
            request,
            session=self._sessions[-1],
            address=member.address,
            headers=headers,
            body=await forwarding.read_body(request, longest_pause=settings.idle_timeout),
        )


class _OwnResponse(web.Response):
    """A response of the load balancer itself."""


def _own(status: HTTPStatus) -> _OwnResponse:
    title = f"{status.value} {_PHRASES.get(status, status.phrase)}"
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return _OwnResponse(
        status=status, text=body, content_type="text/html", headers={hdrs.SERVER: _SERVER}
    )


_PHRASES: Final = {
    HTTPStatus.SERVICE_UNAVAILABLE: "Service Temporarily Unavailable",
    HTTPStatus.GATEWAY_TIMEOUT: "Gateway Time-out",
    HTTPStatus.REQUEST_TIMEOUT: "Request Time-out",
}


def _session(settings: FrontSettings) -> aiohttp.ClientSession:
    # A target that closes idle connections sooner causes the 502 that it causes on AWS.
    return forwarding.forwarding_session(
        keep_alive=settings.idle_timeout,
        max_header=_MAX_HEADER,
        connect_timeout=_CONNECT_TIMEOUT,
        read_timeout=settings.idle_timeout,
    )
