import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx2
import pytest

from automation.conformance.forwarder import forwarding


class _Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        seen = {"authorization": self.headers["authorization"], "cookie": self.headers["cookie"]}
        response = json.dumps(seen | {"body": body.decode(), "path": self.path}).encode()
        self.send_response(202)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Echo) as echo:
        thread = Thread(target=echo.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{echo.server_port}/mcp"
        echo.shutdown()
        thread.join()


def test_a_request_is_forwarded_with_the_token_and_without_cookies(server: str) -> None:
    with httpx2.Client() as http, forwarding(http, server, "the-token") as url:
        response = httpx2.post(url, content="ping", headers={"cookie": "a=b"})
    assert response.status_code == 202
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "authorization": "Bearer the-token",
        "cookie": None,
        "body": "ping",
        "path": "/mcp",
    }


def test_an_unreachable_server_is_a_bad_gateway(unused_port: int) -> None:
    address = f"http://127.0.0.1:{unused_port}/mcp"
    with httpx2.Client() as http, forwarding(http, address, "the-token") as url:
        assert httpx2.post(url, content="ping").status_code == 502


@pytest.fixture
def unused_port() -> int:
    with HTTPServer(("127.0.0.1", 0), _Echo) as closed:
        return closed.server_port
