"""A token endpoint and an MCP server on this machine, with answers that a test chooses."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from functions.canary.credentials import Credentials
from functions.canary.probe import Canary, TimeLimits
from functions.rotation import credentials as rotation

CLIENT_SECRET = "a-made-up-client-secret"
ROWS = '[{"one": 1}]'


def tool_result(text: str, *, failed: bool = False) -> dict[str, Any]:
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}]}
    return result | {"isError": True} if failed else result


@dataclass
class Way:
    """The whole way from the token endpoint to the database.

    Attributes:
        answers: the result or the response to each MCP method.
        token: the response to each token request; None for a new token.
        lifetime: how long tokens are valid, in seconds.
        rejected: tokens that the server answers with HTTP 401.
        gone: paths at which there is no server any more.
        time: the canary's time, in seconds since the epoch.
    """

    server: HTTPServer
    answers: dict[str, dict[str, Any] | Response] = field(default_factory=dict)
    token: Response | None = None
    lifetime: int = 3600
    rejected: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    time: float = 1_800_000_000.0
    issued: list[str] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    credentials: Credentials = field(init=False)
    reads: int = 0

    def __post_init__(self) -> None:
        works: dict[str, dict[str, Any] | Response] = {
            "initialize": {"protocolVersion": "2025-11-25", "capabilities": {}},
            "tools/list": {"tools": [{"name": "get-schema"}, {"name": "read-cypher"}]},
            "tools/call": tool_result(ROWS),
        }
        self.answers = works | self.answers
        self.credentials = self.made_of(self.server.url_for("/mcp"), CLIENT_SECRET)
        self.server.expect_request("/oauth2/token", method="POST").respond_with_handler(self._token)
        for path in ("/mcp", "/moved/mcp"):
            self.server.expect_request(path, method="POST").respond_with_handler(self._mcp)

    def made_of(self, mcp_url: str, client_secret: str) -> Credentials:
        """Return credentials as the rotation function writes them."""
        addresses = rotation.Addresses(
            client_id="canary-id",
            token_url=self.server.url_for("/oauth2/token"),
            mcp_url=mcp_url,
            scopes=("neo4j-mcp/reader",),
        )
        written = rotation.Credentials(addresses=addresses, client_secret=client_secret)
        return Credentials.parse(written.dump())

    def canary(self, limits: TimeLimits | None = None) -> Canary:
        def read() -> Credentials:
            self.reads += 1
            return self.credentials

        return Canary(read, now=lambda: self.time, limits=limits)

    def methods(self) -> list[str]:
        """Return the MCP methods that were requested, and forget them."""
        found = [method for _, method in self.requests]
        self.requests.clear()
        return found

    def _token(self, request: Request) -> Response:
        self.forms.append(parse_qs(request.get_data(as_text=True)))
        assert request.authorization is not None
        if request.authorization.password != self.credentials.client_secret:
            return Response('{"error": "invalid_client"}', 400)
        if self.token is not None:
            return self.token
        self.issued.append(f"token-{len(self.issued) + 1}")
        return Response(
            json.dumps({"access_token": self.issued[-1], "expires_in": self.lifetime}),
            content_type="application/json",
        )

    def _mcp(self, request: Request) -> Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        message = request.get_json()
        self.requests.append((token, message["method"]))
        if request.path in self.gone:
            return Response("404 page not found", 404)
        if token in self.rejected:
            return Response("Unauthorized", 401)
        answer = self.answers[message["method"]]
        if isinstance(answer, Response):
            return answer
        return Response(
            json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answer}),
            content_type="application/json",
        )


@pytest.fixture
def way(httpserver: HTTPServer) -> Way:
    return Way(httpserver)


@pytest.fixture
def slow(way: Way) -> Iterator[Callable[[str], None]]:
    """Make an MCP method never answer, until the end of the test."""
    ended = Event()

    def stop(method: str) -> None:
        def body() -> Iterator[bytes]:
            ended.wait(30)
            yield b"{}"

        way.answers[method] = Response(body(), content_type="application/json")

    yield stop
    ended.set()
