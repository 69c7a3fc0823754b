"""A small HTTP server on this machine that stands in front of another and fails as it is told."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import httpx2

from automation.loopback import LocalHandler, LocalServer

_PASSED_ON: Final = ("authorization", "content-type", "accept")
_PASSED_BACK: Final = ("content-type", "retry-after")
_SHUTDOWN: Final = 10.0
# How often it looks whether it is to end, in seconds.
_LOOK: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that came.

    Attributes:
        method: its method.
        path: its path.
        headers: its headers, by their names in small letters.
        body: its body.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What it is answered.

    Attributes:
        status: the HTTP status.
        headers: the headers.
        body: the body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


Respond = Callable[[Asked], Answer]


def forward(http: httpx2.Client, url: str, asked: Asked) -> Answer:
    """Pass a request on.

    Args:
        http: the HTTP client.
        url: where to.
        asked: the request.

    Returns:
        The answer; 502 where none comes.
    """
    headers = {name: asked.headers[name] for name in _PASSED_ON if name in asked.headers}
    try:
        response = http.request(asked.method, url, headers=headers, content=asked.body)
    except httpx2.TransportError as error:
        return Answer(status=502, body=str(error).encode())
    return Answer(
        status=response.status_code,
        headers={name: response.headers[name] for name in _PASSED_BACK if name in response.headers},
        body=response.content,
    )


class FaultProxy:
    """The server; a context manager, which starts and stops it."""

    def __init__(self, respond: Respond) -> None:
        """Listen on a free port of the loopback interface.

        Args:
            respond: answers each request, in a thread of its own.
        """

        class Handler(LocalHandler):
            def answer(self) -> None:
                answer = respond(
                    Asked(
                        method=self.command,
                        path=self.path,
                        headers={name.lower(): value for name, value in self.headers.items()},
                        body=self.body(),
                    )
                )
                # One request a connection, so that no idle one keeps the end waiting.
                self.close_connection = True
                try:
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.send_header("Connection", "close")
                    self.end_headers()
                    self.wfile.write(answer.body)
                except OSError:
                    # The caller hasn't waited.
                    return

            do_GET = do_POST = answer  # noqa: N815  http.server's own names

        self._server = LocalServer(Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOK,), name="fault-proxy"
        )

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._server.url

    def __enter__(self) -> Self:
        """Answer requests from now on."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the port, once the last answers are given."""
        self._server.shutdown()
        self._thread.join(_SHUTDOWN)
        self._server.server_close()
