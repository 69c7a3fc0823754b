"""An HTTP server that answers MCP calls as a test wants."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], tuple[int, bytes]]
"""Returns the status and the body for a JSON-RPC request."""


@dataclass(kw_only=True)
class McpServer:
    """A running server, and what it received."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def result(request: dict[str, Any], text: str = "[]", *, is_error: bool = False) -> bytes:
    """Write the result of a tool."""
    content = [{"type": "text", "text": text}]
    return json.dumps(
        {
            "jsonrpc": "2.0",
            "id": request["id"],
            "result": {"content": content, "isError": is_error},
        }
    ).encode()


def succeed(request: dict[str, Any]) -> tuple[int, bytes]:
    """Answer every call with no rows."""
    return 200, result(request)


@contextmanager
def mcp_server(answer: Answer = succeed) -> Iterator[McpServer]:
    """Serve on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Otherwise the header and the body are two packets, and the second waits.
        wbufsize = -1
        timeout = 60.0

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            served.requests.append(request)
            served.tokens.append(self.headers["authorization"])
            served.paths.append(self.path)
            status, body = answer(request)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        served = McpServer(url=f"http://127.0.0.1:{server.server_port}/mcp")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join(60)
