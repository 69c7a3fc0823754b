"""HTTP servers with scripted responses and failures.

Not pytest-httpserver's, which have no way to cut a response in the middle or to count connections.
"""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt

SIGNING_SECRET = "nobody here verifies signatures, so any will do"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A received request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def authorization(self) -> str:
        return self.headers.get("Authorization", "")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response, or a failure.

    Attributes:
        status: the HTTP status.
        body: the body; JSON where it is no bytes.
        headers: headers in addition to Content-Length.
        delay: seconds before it.
        cut: whether the connection ends without an answer.
        cut_body: whether it ends in the middle of the body.
    """

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False
    cut_body: bool = False

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Script = Callable[[Request], Answer]


@dataclass
class Site:
    """A server that runs.

    Attributes:
        url: its URL.
        answer: decides what each request gets.
        requests: what came in so far.
        connections: how many connections were made.
    """

    url: str
    answer: Script
    requests: list[Request] = field(default_factory=list)
    connections: int = 0


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base's own
        """Ignore clients that disconnect."""


@contextmanager
def serve(
    answer: Script, tls: ssl.SSLContext | None = None, *, get: bool = False
) -> Iterator[Site]:
    """Run a server on the loopback interface that handles POST, and optionally GET."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body are two writes; without this, the second waits for an acknowledgement.
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            with lock:
                site.connections += 1

        def do_POST(self) -> None:
            request = Request(path=self.path, headers=dict(self.headers), body=_body_of(self))
            with lock:
                site.requests.append(request)
            answer = site.answer(request)
            time.sleep(answer.delay)
            if answer.cut:
                self.close_connection = True
                return
            content = answer.content
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(content)))
            for name, value in ({"Content-Type": "application/json"} | answer.headers).items():
                self.send_header(name, value)
            self.end_headers()
            if answer.cut_body:
                content = content[: len(content) // 2]
                self.close_connection = True
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Don't log requests."""

    if get:
        Handler.do_GET = Handler.do_POST  # type: ignore[attr-defined]
    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "https" if tls else "http"
    site = Site(url=f"{scheme}://localhost:{server.server_port}/", answer=answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _body_of(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding") != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    body = b""
    while size := int(handler.rfile.readline(), 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body


def in_turn(*answers: Answer) -> Script:
    """Return the answers in order, then repeat the last one."""
    waiting = list(answers)
    lock = threading.Lock()

    def answer(_: Request) -> Answer:
        with lock:
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return answer


def issued(number: int = 1, *, expires_in: float | None = 3600, **claims: Any) -> Answer:  # noqa: ANN401 - claims are anything
    """Create a token endpoint's response with a distinct token."""
    token = jwt.encode({"jti": str(number)} | claims, SIGNING_SECRET)
    answer = {"access_token": token, "token_type": "Bearer"}
    return Answer(body=answer | ({} if expires_in is None else {"expires_in": expires_in}))


def issuer(*, expires_in: float = 3600, delay: float = 0.0) -> Script:
    """Issue a new token for each request."""
    lock = threading.Lock()
    issued_so_far = 0

    def answer(_: Request) -> Answer:
        nonlocal issued_so_far
        with lock:
            issued_so_far += 1
            number = issued_so_far
        token = issued(number, expires_in=expires_in)
        return Answer(body=token.body, delay=delay)

    return answer


def refused(error: str, description: str | None = None) -> Answer:
    """Make an OAuth 2.0 error."""
    body = {"error": error} | ({"error_description": description} if description else {})
    return Answer(status=400, body=body)


def rows(*found: dict[str, Any]) -> Answer:
    """Create the MCP server's response to a query."""
    text = json.dumps(list(found), indent=2)
    return Answer(
        body={"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": text}]}}
    )


def failed(text: str) -> Answer:
    """Make the answer of a tool that failed."""
    result = {"content": [{"type": "text", "text": text}], "isError": True}
    return Answer(body={"jsonrpc": "2.0", "id": 1, "result": result})


def neo4j_failed(code: str, message: str = "because") -> Answer:
    """Make the answer of a query that Neo4j refused or failed."""
    return failed(f"failed to execute read query: Neo4jError: {code} ({message})")
