"""One distribution's port: the way of a request to the function and the origin, and back.

Sources: "How CloudFront processes and forwards requests to your custom origin", "How CloudFront
processes responses from your custom origin" and "HTTP status codes" in the Amazon CloudFront
Developer Guide.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from localcloud import loopback
from localcloud.aws import forwarding, logged_messages
from localcloud.aws.cloudfront import function_events, messages
from localcloud.aws.cloudfront.access_log import AccessEntry
from localcloud.aws.cloudfront.configuration import Origin, Routing
from localcloud.aws.cloudfront.function_events import Invocation, ViewerRequest
from localcloud.aws.cloudfront.function_runtime import FunctionError, FunctionRuntime
from localcloud.aws.cloudfront.listener import Listener
from localcloud.aws.cloudfront.messages import Answer, Headers
from localcloud.aws.wafv2.rates import Block

_LOG = logging.getLogger(__name__)
# aiohttp logs a malformed request with its headers, and so with the caller's token.
_PROTOCOL_LOG = logging.getLogger(f"{__name__}.protocol")
_PROTOCOL_LOG.setLevel(logging.CRITICAL + 1)
_KEEP_ALIVE: Final = 30.0
_ORIGIN_KEEP_ALIVE: Final = 5.0
"""Seconds; CloudFront's default. Source: "Keep-alive timeout" in its Developer Guide."""
_MAX_HEADER: Final = 60 * 1024
_REPEATED: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_USUAL_PORTS: Final = {True: 443, False: 80}


class Surroundings(Protocol):
    """What a distribution's port needs of the account; the methods return at once."""

    def routing(self, distribution: str) -> Routing | None:
        """Return what the edge locations have of a distribution; None if nothing yet."""
        ...

    def function_code(self, arn: str) -> str | None:
        """Return what the edge locations have of a function; None if nothing yet."""
        ...

    def origin_address(self, vpc_origin: str) -> tuple[str, int] | None:
        """Return the host and port that reach a VPC origin; None if nothing does."""
        ...

    def block(self, web_acl: str, viewer: str) -> Block | None:
        """Count a request, and return how a web ACL blocks it; None if it doesn't."""
        ...


Log = Callable[[str, AccessEntry], None]


@dataclass(frozen=True, kw_only=True)
class EdgeTools:
    """What the ports of all distributions share.

    Attributes:
        surroundings: the account.
        runtime: runs functions.
        session: sends requests to origins.
        origin_context: the authorities that origins are verified with.
        log: called with a distribution's id and an entry of its access log.
    """

    surroundings: Surroundings
    runtime: FunctionRuntime
    session: aiohttp.ClientSession
    origin_context: ssl.SSLContext
    log: Log


class DistributionPort:
    """A distribution's port, for both HTTPS and HTTP.

    Attributes:
        port: its number; 0 until it is open.
    """

    def __init__(self, distribution: str, tools: EdgeTools) -> None:
        """Prepare, without a port."""
        self.port = 0
        self._distribution = distribution
        self._tools = tools
        self._listener: Listener | None = None
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
            handler_cancellation=True,
            keepalive_timeout=_KEEP_ALIVE,
            max_line_size=_MAX_HEADER,
            max_field_size=_MAX_HEADER,
        )
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        listener = Listener(server, context)
        try:
            listener.open(host, port)
        except OSError:
            await runner.cleanup()
            raise
        self._listener, self._runner, self.port = listener, runner, port

    async def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            await self._listener.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        request_id = messages.new_request_id()
        started = asyncio.get_running_loop().time()
        response = await self._reported(request, request_id)
        seconds = asyncio.get_running_loop().time() - started
        self._tools.log(self._distribution, _entry(request, response, request_id, seconds))
        return response

    async def _reported(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        try:
            return await self._respond(request, request_id)
        except Exception:  # an error in the stand-in is the caller's 500  # noqa: BLE001
            _LOG.exception("a request to a distribution failed")
            forwarding.abort_started_response(request)
            return _encoded(
                messages.error(500, "See the stand-in's output.", request_id=request_id)
            )

    async def _respond(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        routing = self._tools.surroundings.routing(self._distribution)
        refused = next(self._refusals(request, routing, request_id), None)
        if refused is not None or routing is None:
            return _encoded(refused or _forbidden("Bad request.", request_id))
        viewer = request.remote or ""
        path, _, query = request.raw_path.partition("?")
        asked = ViewerRequest(
            method=request.method, path=path, query=query, headers=_pairs(request.headers)
        )
        if routing.function_arn is not None:
            invocation = Invocation(
                distribution=self._distribution,
                domain_name=f"localhost:{self.port}",
                request_id=request_id,
                viewer=viewer,
            )
            outcome = await self._run_function(routing.function_arn, asked, invocation)
            if isinstance(outcome, Answer):
                return _encoded(outcome)
            asked = outcome
        return await self._forward(request, routing.origin, asked, request_id)

    def _refusals(
        self, request: web.BaseRequest, routing: Routing | None, request_id: str
    ) -> Iterator[Answer]:
        hosts = request.headers.getall(hdrs.HOST, [])
        if routing is None or len(hosts) != 1 or not self._is_own_name(hosts[0], routing):
            # CloudFront finds a distribution by its host name, so no other name reaches it.
            yield _forbidden("Bad request. We can't connect to the server.", request_id)
            return
        if not routing.enabled:
            yield _forbidden("The distribution is disabled.", request_id)
        length = messages.size(request.headers.items()) + len(request.raw_path)
        if length > messages.LONGEST_REQUEST or len(request.raw_path) > messages.LONGEST_URL:
            yield messages.error(413, "Request Entity Too Large.", request_id=request_id)
        if routing.web_acl_arn is not None:
            block = self._tools.surroundings.block(routing.web_acl_arn, request.remote or "")
            if block is not None:
                yield messages.blocked(block.status, request_id=request_id)
        if routing.https_only and not request.secure:
            yield _forbidden("Viewers must use HTTPS to request this object.", request_id)
        if request.method not in routing.methods:
            yield _forbidden(
                "This distribution is not configured to allow the HTTP request method that was"
                " used for this request.",
                request_id,
            )
        if request.method == hdrs.METH_GET and request.can_read_body:
            yield _forbidden("A GET request must not have a body.", request_id)
        if not request.raw_path.startswith("/"):
            yield messages.error(400, "Bad request.", request_id=request_id)

    def _is_own_name(self, host: str, routing: Routing) -> bool:
        name = host.lower().removesuffix(f":{self.port}")
        return name in routing.aliases or loopback.is_known(host, port=self.port)

    async def _run_function(
        self, arn: str, asked: ViewerRequest, invocation: Invocation
    ) -> Answer | ViewerRequest:
        code = self._tools.surroundings.function_code(arn)
        if code is None:
            # Associated while it is still on its way to the edge locations.
            return _failed_function(503, "FunctionExecutionError", invocation.request_id)
        try:
            event = function_events.event_of(asked, invocation)
            result = await self._tools.runtime.run(code, event)
            outcome = function_events.outcome_of(result, asked)
        except FunctionError as error:
            _LOG.warning("function %s failed: %s", arn, error)
            return _failed_function(503, "FunctionExecutionError", invocation.request_id)
        except function_events.InvalidResultError as error:
            _LOG.warning("function %s returned what CloudFront can't use: %s", arn, error)
            return _failed_function(502, "FunctionValidationError", invocation.request_id)
        if isinstance(outcome, Answer):
            return messages.generated(outcome, request_id=invocation.request_id)
        return outcome

    async def _forward(
        self, request: web.BaseRequest, origin: Origin, asked: ViewerRequest, request_id: str
    ) -> web.StreamResponse:
        url = self._origin_url(origin, asked)
        if url is None:
            return _encoded(_bad_gateway(request_id))
        host = origin.host
        if url.port != _USUAL_PORTS[origin.https] and origin.vpc_origin is None:
            host = f"{origin.host}:{url.port}"
        headers = messages.to_origin(
            asked.headers, host=host, viewer=request.remote or "", request_id=request_id
        )
        passing = _Passing(
            request=request,
            origin=origin,
            url=url,
            headers=CIMultiDict(headers),
            body=await forwarding.read_body(request),
            request_id=request_id,
        )
        return await self._attempt(passing)

    async def _attempt(self, passing: "_Passing") -> web.StreamResponse:
        """Send a request, again if no connection was made, or if it is a read that timed out."""
        request = passing.request
        answer = _bad_gateway(passing.request_id)
        for _ in range(passing.origin.attempts):
            try:
                return await self._send(passing)
            except aiohttp.ConnectionTimeoutError:
                answer = _gateway_timeout(passing.request_id)
            except aiohttp.ServerTimeoutError:
                forwarding.abort_started_response(request)
                answer = _gateway_timeout(passing.request_id)
                if request.method not in _REPEATED:
                    break
            except aiohttp.ClientConnectorError:
                answer = _bad_gateway(passing.request_id)
            except aiohttp.ClientError:
                forwarding.abort_started_response(request)
                answer = _bad_gateway(passing.request_id)
                break
        return _encoded(answer)

    async def _send(self, passing: "_Passing") -> web.StreamResponse:
        origin, request = passing.origin, passing.request
        async with self._tools.session.request(
            request.method,
            passing.url,
            headers=passing.headers,
            data=passing.body,
            allow_redirects=False,
            ssl=self._tools.origin_context,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=origin.connect_seconds, sock_read=origin.read_seconds
            ),
        ) as upstream:
            received = _pairs(upstream.headers)
            if messages.size(received) > messages.LONGEST_REQUEST:
                return _encoded(_bad_gateway(passing.request_id))
            headers = CIMultiDict(
                messages.to_viewer(received, status=upstream.status, request_id=passing.request_id)
            )
            response = web.StreamResponse(
                status=upstream.status, reason=upstream.reason, headers=headers
            )
            await response.prepare(request)
            if request.method != hdrs.METH_HEAD and upstream.status not in _WITHOUT_BODY:
                async for chunk in upstream.content.iter_any():
                    await response.write(chunk)
            await response.write_eof()
            return response

    def _origin_url(self, origin: Origin, asked: ViewerRequest) -> URL | None:
        host, port = origin.host, origin.port
        if origin.vpc_origin is not None:
            address = self._tools.surroundings.origin_address(origin.vpc_origin)
            if address is None:
                return None
            host, port = address
        scheme = "https" if origin.https else "http"
        query = f"?{asked.query}" if asked.query else ""
        return URL(f"{scheme}://{host}:{port}{origin.path}{asked.path}{query}", encoded=True)


@dataclass(frozen=True, kw_only=True)
class _Passing:
    """A request on its way to the origin."""

    request: web.BaseRequest
    origin: Origin
    url: URL
    headers: CIMultiDict[str]
    body: forwarding.Body
    request_id: str


def origin_session() -> aiohttp.ClientSession:
    """Create the client for origins, which changes nothing in a message; the caller closes it."""
    return forwarding.forwarding_session(keep_alive=_ORIGIN_KEEP_ALIVE, max_header=_MAX_HEADER)


def _forbidden(reason: str, request_id: str) -> Answer:
    return messages.error(403, reason, request_id=request_id)


def _bad_gateway(request_id: str) -> Answer:
    return messages.error(502, "We can't connect to the server.", request_id=request_id)


def _gateway_timeout(request_id: str) -> Answer:
    return messages.error(504, "We can't connect to the server.", request_id=request_id)


def _failed_function(status: int, kind: str, request_id: str) -> Answer:
    return messages.error(
        status,
        "The CloudFront function associated with the CloudFront distribution is invalid or could"
        " not run.",
        request_id=request_id,
        cache=f"{kind} from cloudfront",
    )


def _pairs(headers: CIMultiDictProxy[str]) -> Headers:
    return tuple(headers.items())


def _entry(
    request: web.BaseRequest, response: web.StreamResponse, request_id: str, seconds: float
) -> AccessEntry:
    return AccessEntry(
        answered=time.time(),
        seconds=seconds,
        caller=logged_messages.peer(request),
        method=request.method,
        host=request.headers.get(hdrs.HOST, ""),
        path=request.raw_path,
        secure=request.secure,
        headers={name.lower(): value for name, value in request.headers.items()},
        received=logged_messages.received(request),
        sent=logged_messages.sent(response),
        status=response.status,
        cache=response.headers.get("X-Cache", ""),
        content_type=response.headers.get(hdrs.CONTENT_TYPE),
        content_length=response.content_length,
        request_id=request_id,
        tls=logged_messages.tls(request),
    )


def _encoded(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        reason=answer.reason,
        headers=CIMultiDict(answer.headers),
        body=answer.body,
    )
