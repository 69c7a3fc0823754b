"""HTTP servers on this machine that forward requests, and can change them or fail."""

import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import httpx2

from automation.loopback import LocalHandler, LocalServer

_REQUEST_HEADERS: Final = (
    "authorization",
    "content-type",
    "accept",
    "mcp-protocol-version",
    "mcp-session-id",
)
_RESPONSE_HEADERS: Final = ("content-type", "retry-after", "mcp-session-id")
_SHUTDOWN_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05
_NO_LINGERING: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to the proxy.

    Attributes:
        headers: by lower-case name.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Response:
    """The proxy's response."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


Respond = Callable[[Request], Response | None]
"""Responds to a request; None resets the connection."""


def forward(
    http: httpx2.Client, url: str, request: Request, headers: Mapping[str, str] | None = None
) -> Response:
    """Forward a request to a URL; the response is 502 if there is none.

    Args:
        headers: headers to add or replace, by lower-case name.
    """
    forwarded = {
        name: request.headers[name] for name in _REQUEST_HEADERS if name in request.headers
    }
    try:
        response = http.request(
            request.method, url, headers={**forwarded, **(headers or {})}, content=request.body
        )
    except httpx2.HTTPError as error:
        return Response(status=HTTPStatus.BAD_GATEWAY, body=str(error).encode())
    return Response(
        status=response.status_code,
        headers={
            name: response.headers[name] for name in _RESPONSE_HEADERS if name in response.headers
        },
        body=response.content,
    )


class Proxy:
    """The server; a context manager, which starts and stops it."""

    def __init__(self, respond: Respond) -> None:
        """Listen on a free port of the loopback interface.

        Args:
            respond: responds to each request, in a separate thread.
        """

        class Handler(LocalHandler):
            def respond(self) -> None:
                response = respond(
                    Request(
                        method=self.command,
                        path=self.path,
                        headers={name.lower(): value for name, value in self.headers.items()},
                        body=self.body(),
                    )
                )
                # One request per connection, so that no idle one delays the shutdown.
                self.close_connection = True
                if response is None:
                    self._reset()
                    return
                try:
                    self.send_response(response.status)
                    for name, value in response.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(response.body)))
                    self.send_header("Connection", "close")
                    self.end_headers()
                    self.wfile.write(response.body)
                except OSError:
                    # The caller has disconnected.
                    return

            def _reset(self) -> None:
                # Without lingering, the kernel sends a reset instead of an orderly end.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
                os.close(self.connection.detach())

            do_GET = do_POST = do_DELETE = respond  # noqa: N815  http.server's own names

        self._server = LocalServer(Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="proxy"
        )

    @property
    def url(self) -> str:
        """The proxy's URL."""
        return self._server.url

    def __enter__(self) -> Self:
        """Start responding."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the port after the last responses."""
        self._server.shutdown()
        self._thread.join(_SHUTDOWN_SECONDS)
        self._server.server_close()
