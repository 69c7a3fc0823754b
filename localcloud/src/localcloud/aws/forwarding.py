"""Passes HTTP requests on to another server, as proxies do.

App Runner's proxy, the load balancers and the ports of distributions share this.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110, section 7.6.1, and RFC 9112: these concern one connection, not the message."""
_HANDLED_HERE: Final = frozenset({"expect"})
_SMALL_BODY: Final = 64 * 1024
"""Bytes up to which a body is passed on whole: faster than in chunks, and it can be repeated."""
_WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})

_INTERIM_KEY: Final = web.RequestKey("interim", int)
"""The size of an interim response, with which the response itself hasn't begun."""


class SilentCallerError(Exception):
    """A caller doesn't send the rest of a request's body."""


class StreamedBody:
    """A request's body, read while it is sent to a server."""

    def __init__(self, content: aiohttp.StreamReader, longest_pause: float | None) -> None:
        """Read a body.

        Args:
            content: the body.
            longest_pause: seconds without data until it fails; None waits for ever.
        """
        self._content = content
        self._longest_pause = longest_pause
        self.is_silent = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the body in parts.

        Raises:
            SilentCallerError: the caller paused for too long. `is_silent` remembers it, since
                aiohttp raises its own error instead.
        """
        while not self._content.at_eof():
            try:
                async with asyncio.timeout(self._longest_pause):
                    chunk = await self._content.readany()
            except TimeoutError as error:
                self.is_silent = True
                raise SilentCallerError from error
            if chunk:
                yield chunk


Body = bytes | StreamedBody | None


def end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Drop the headers that concern one connection only."""
    named = [
        token.strip() for value in headers.getall(hdrs.CONNECTION, ()) for token in value.split(",")
    ]
    kept = CIMultiDict(headers)
    for name in (*_HOP_BY_HOP, *_HANDLED_HERE, *named):
        kept.popall(name, None)
    return kept


async def read_body(request: web.BaseRequest, *, longest_pause: float | None = None) -> Body:
    """Return a request's body: whole if it is small, else as a stream; None without one.

    Args:
        request: the request.
        longest_pause: seconds without data until the body fails; None waits for ever.

    Raises:
        SilentCallerError: the body is small, and the caller paused for longer than that.
    """
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request[_INTERIM_KEY] = request.writer.output_size
    if not request.can_read_body:
        return None
    length = request.content_length
    body = StreamedBody(request.content, longest_pause)
    small = length is not None and length <= _SMALL_BODY
    return b"".join([chunk async for chunk in body]) if small else body


async def forward(
    request: web.BaseRequest,
    *,
    session: aiohttp.ClientSession,
    address: tuple[str, int],
    headers: CIMultiDict[str],
    body: Body,
    server: str | None = None,
) -> web.StreamResponse:
    """Send a request to a server, and pass on the response.

    Args:
        request: the request.
        session: sends it.
        address: the host and port of the server.
        headers: the headers to send.
        body: the body to send.
        server: the response's Server header; by default that of the server.

    Raises:
        aiohttp.ClientError: the server can't be reached, or the response broke off.
        SilentCallerError: the caller paused in the body for too long.
    """
    try:
        return await _exchange(request, session, address, headers, body, server)
    except aiohttp.ClientError as error:
        if isinstance(body, StreamedBody) and body.is_silent:
            raise SilentCallerError from error
        raise


async def _exchange(
    request: web.BaseRequest,
    session: aiohttp.ClientSession,
    address: tuple[str, int],
    headers: CIMultiDict[str],
    body: Body,
    server: str | None,
) -> web.StreamResponse:
    url = URL(f"http://{address[0]}:{address[1]}{request.raw_path}", encoded=True)
    async with session.request(
        request.method,
        url,
        headers=headers,
        data=body,
        allow_redirects=False,
    ) as upstream:
        received = end_to_end(upstream.headers)
        if server is not None:
            received[hdrs.SERVER] = server
        bodyless = request.method == hdrs.METH_HEAD or upstream.status in _WITHOUT_BODY
        length = upstream.content_length
        if not bodyless and length is not None and length <= _SMALL_BODY:
            content = await upstream.read()
            received.pop(hdrs.CONTENT_LENGTH, None)
            return web.Response(
                status=upstream.status, reason=upstream.reason, headers=received, body=content
            )
        response = web.StreamResponse(
            status=upstream.status, reason=upstream.reason, headers=received
        )
        await response.prepare(request)
        if not bodyless:
            async for chunk in upstream.content.iter_any():
                await response.write(chunk)
        await response.write_eof()
        return response


def abort_started_response(request: web.BaseRequest) -> None:
    """Close the connection of a response that can't be completed."""
    started = request.writer.output_size > request.get(_INTERIM_KEY, 0)
    if started and request.transport is not None:
        with contextlib.suppress(OSError):
            request.transport.abort()


def forwarding_session(
    *,
    keep_alive: float,
    max_header: int,
    connect_timeout: float = 5.0,
    read_timeout: float | None = None,
) -> aiohttp.ClientSession:
    """Create a client that changes nothing in a message; the caller closes it.

    Args:
        keep_alive: seconds for which idle connections are kept.
        max_header: bytes of one header.
        connect_timeout: seconds until a connection fails.
        read_timeout: seconds without data until a response fails; None waits for ever.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=keep_alive),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=max_header,
        max_field_size=max_header,
        skip_auto_headers={
            hdrs.USER_AGENT,
            hdrs.ACCEPT,
            hdrs.ACCEPT_ENCODING,
            hdrs.CONTENT_TYPE,
        },
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=connect_timeout, sock_read=read_timeout
        ),
    )
