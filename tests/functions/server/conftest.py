"""A program that behaves like the server, and whose failures a request can choose."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.server.process import ServerProcess, ServerSettings

_PROGRAM = """#!{python}
import http.server, json, os, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/unread":
            self.send_error(413)
            self.close_connection = True
            return
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        if self.path == "/exit":
            os._exit(3)
        if self.path == "/close":
            self.close_connection = True
            return
        if self.path == "/hang":
            time.sleep(60)
        if self.path.startswith("/size/"):
            content = b"a" * int(self.path.rpartition("/")[2])
        else:
            content = json.dumps({{
                "method": self.command, "target": self.path, "body": body.decode("latin-1"),
                "headers": self.headers.items(), "pid": os.getpid(),
                "environment": dict(os.environ),
            }}).encode()
        self.send_response(200)
        self.send_header("x-twice", "1")
        self.send_header("x-twice", "2")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *arguments):
        pass

if os.environ.get("NEO4J_MCP_FAILS"):
    sys.exit("no database is set")
address = (os.environ["NEO4J_MCP_HTTP_HOST"], int(os.environ["NEO4J_MCP_HTTP_PORT"]))
if os.environ.get("NEO4J_MCP_SILENT"):
    time.sleep(60)
http.server.HTTPServer(address, Handler).serve_forever()
"""

Run = Callable[..., ServerProcess]


def size_in_lambda(result: dict[str, Any]) -> int:
    """Return the bytes of a result, as Lambda's Python runtime encodes it."""
    return len(json.dumps(result, ensure_ascii=False).encode())


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "neo4j-mcp-server"
    path.write_text(_PROGRAM.format(python=sys.executable), encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def run(program: Path) -> Iterator[Run]:
    running: list[ServerProcess] = []

    def prepare(
        *, start_seconds: float = 30.0, answer_seconds: float = 30.0, **environment: str
    ) -> ServerProcess:
        server = ServerProcess(
            ServerSettings(
                program=program,
                environment=environment,
                start_seconds=start_seconds,
                answer_seconds=answer_seconds,
            )
        )
        running.append(server)
        return server

    yield prepare
    for server in running:
        server.stop()
