import json

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from automation.conformance.forwarder import forwarding
from tests.ports import free_ports


def _echo(request: Request) -> Response:
    seen = {name: request.headers.get(name) for name in ("authorization", "cookie")}
    document = seen | {"body": request.get_data(as_text=True), "path": request.path}
    return Response(json.dumps(document), status=202, content_type="application/json")


@pytest.fixture
def server(httpserver: HTTPServer) -> str:
    httpserver.expect_request("/mcp", method="POST").respond_with_handler(_echo)
    return httpserver.url_for("/mcp")


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


def test_an_unreachable_server_is_a_bad_gateway() -> None:
    (unused_port,) = free_ports(1)
    address = f"http://127.0.0.1:{unused_port}/mcp"
    with httpx2.Client() as http, forwarding(http, address, "the-token") as url:
        assert httpx2.post(url, content="ping").status_code == 502
