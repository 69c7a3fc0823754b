import base64
from urllib.parse import parse_qs

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from functions.rotation.credentials import Addresses, Credentials
from functions.rotation.token_endpoint import Refusal, token_refusal
from tests.ports import free_ports

_SECRET = "a-made-up-client-secret"


def credentials(token_url: str) -> Credentials:
    addresses = Addresses(
        client_id="client", token_url=token_url, mcp_url="https://mcp.example", scopes=()
    )
    return Credentials(addresses=addresses, client_secret=_SECRET)


def test_a_token_is_requested_as_a_caller_does(httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        expected = base64.b64encode(f"client:{_SECRET}".encode()).decode()
        assert request.headers["Authorization"] == f"Basic {expected}"
        assert parse_qs(request.get_data(as_text=True)) == {"grant_type": ["client_credentials"]}
        return Response('{"access_token": "token"}', content_type="application/json")

    httpserver.expect_oneshot_request("/oauth2/token", method="POST").respond_with_handler(answer)

    assert token_refusal(credentials(httpserver.url_for("/oauth2/token"))) is None


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, '{"error": "invalid_client"}', "HTTP 400 invalid_client"),
        (
            400,
            '{"error": "invalid_client", "error_description": "secret"}',
            "HTTP 400 invalid_client",
        ),
        (429, "Too many requests", "HTTP 429"),
        (500, '{"error": 1}', "HTTP 500"),
        (502, '{"error": "<html>"}', "HTTP 502"),
        (503, "[]", "HTTP 503"),
    ],
)
def test_a_refusal_has_its_status_and_code_and_nothing_else(
    httpserver: HTTPServer, status: int, body: str, reason: str
) -> None:
    httpserver.expect_request("/oauth2/token").respond_with_data(body, status)

    refusal = token_refusal(credentials(httpserver.url_for("/oauth2/token")))

    assert refusal == Refusal(reason, answered=True)


def test_no_answer_is_reported_as_such() -> None:
    (port,) = free_ports(1)

    refusal = token_refusal(credentials(f"http://127.0.0.1:{port}/oauth2/token"))

    assert refusal is not None
    assert not refusal.answered
    assert "refused" in refusal.reason
    assert _SECRET not in refusal.reason
