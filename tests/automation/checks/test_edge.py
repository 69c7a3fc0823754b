"""The checks of the edge, with a made-up edge in place of a stack's."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import httpx2
import jwt
import pytest

from automation.blanking import Blanker
from automation.checks import CHECKS, runner
from automation.checks.context import Context
from automation.checks.results import Outcome, Result
from neo4j_mcp_client import ClientCredentials

_EDGE = "https://edge.example"
_DIRECT = "https://direct.example"
_POOL = "https://pool.example"
_RESOURCE_PATH = "/.well-known/oauth-protected-resource"
_SERVER_PATH = "/.well-known/oauth-authorization-server"
_METADATA = f'Bearer resource_metadata="{_EDGE}/.well-known/oauth-protected-resource/mcp"'
_RESOURCE = {"resource": f"{_EDGE}/mcp", "authorization_servers": [_EDGE]}
_SERVER = {
    "issuer": _EDGE,
    "token_endpoint": f"{_POOL}/token",
    "jwks_uri": f"{_POOL}/jwks.json",
    "grant_types_supported": ["client_credentials"],
    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
}
_OUTPUTS = {
    "mcpUrl": f"{_DIRECT}/mcp",
    "serviceUrl": _DIRECT,
    "edgeUrl": f"{_EDGE}/mcp",
    "tokenUrl": f"{_POOL}/token",
    "jwksUrl": f"{_POOL}/jwks.json",
    "clients": {"reader": {"secretArn": "arn", "scopes": ["neo4j-mcp/reader"]}},
}

Answer = Callable[[httpx2.Request], httpx2.Response | None]


def _token(**claims: object) -> str:
    return jwt.encode({"exp": int(time.time()) + 3600, **claims}, "0" * 32, algorithm="HS256")


_TOKEN = _token(scope="neo4j-mcp/reader")
_DOCUMENTS: Mapping[str, object] = {
    f"{_EDGE}{_RESOURCE_PATH}": _RESOURCE,
    f"{_EDGE}{_RESOURCE_PATH}/mcp": _RESOURCE,
    f"{_EDGE}{_SERVER_PATH}": _SERVER,
    f"{_POOL}/token": {"access_token": _TOKEN},
}


class _Stack(Context):
    """A stack with one client; its HTTP requests reach a function of the test."""

    def __init__(self, answer: Answer, outputs: Mapping[str, Any]) -> None:
        """Use a function for the requests that it answers, and a good stack for all others."""
        self.outputs = outputs
        self.blanker = Blanker()
        self._answer = answer

    def http_client(self, **options: Any) -> httpx2.Client:  # noqa: ANN401 - httpx2's own
        return httpx2.Client(
            transport=httpx2.MockTransport(lambda sent: self._answer(sent) or _good(sent)),
            **options,
        )

    def token(self, name: str, *, fresh: bool = False) -> str:
        del name, fresh
        return _TOKEN

    def credentials(self, name: str) -> ClientCredentials:
        return ClientCredentials(
            client_id=name,
            client_secret="secret",
            token_url=self.outputs["tokenUrl"],
            scopes=("neo4j-mcp/reader",),
            mcp_url=self.outputs["mcpUrl"],
        )


def _good(request: httpx2.Request) -> httpx2.Response:
    address = f"https://{request.url.host}{request.url.path}"
    if document := _DOCUMENTS.get(address):
        return _json(document)
    if request.url.path != "/mcp":
        return httpx2.Response(404)
    at_edge = address.startswith(_EDGE)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer":
        return _challenge(_METADATA if at_edge else 'Bearer realm="server"')
    claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
    if at_edge and claims["exp"] < time.time():
        return _challenge(_METADATA.replace("Bearer ", 'Bearer error="invalid_token", '))
    content = [{"type": "text", "text": '[{"one": 1}]'}]
    return _json({"jsonrpc": "2.0", "id": 1, "result": {"content": content}})


def _json(document: object) -> httpx2.Response:
    return httpx2.Response(200, json=document)


def _challenge(value: str) -> httpx2.Response:
    return httpx2.Response(401, headers={"www-authenticate": value})


def _run(check: str, answer: Answer = lambda _: None, **outputs: object) -> Result:
    return runner.run_one(CHECKS[check], _Stack(answer, {**_OUTPUTS, **outputs}))


_EDGE_CHECKS = sorted(name for name in CHECKS if name.startswith("P3-edge-"))


# It asks AWS only: test_edge_configuration.py.
_CONFIGURATION = "P3-edge-configuration"


@pytest.mark.parametrize(
    "check", [*(name for name in _EDGE_CHECKS if name != _CONFIGURATION), "P3-direct-no-discovery"]
)
def test_a_good_stack_passes(check: str) -> None:
    result = _run(check)
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")


@pytest.mark.parametrize("check", _EDGE_CHECKS)
def test_without_an_edge_its_checks_are_skipped(check: str) -> None:
    result = _run(check, edgeUrl=None)
    assert (result.outcome, result.reason) == (
        Outcome.SKIPPED,
        "this stack has no edge (edge: false)",
    )


def test_without_an_edge_the_direct_address_is_checked() -> None:
    assert _run("P3-direct-no-discovery", edgeUrl=None).outcome is Outcome.PASSED


def test_without_a_direct_address_its_check_is_skipped() -> None:
    result = _run("P3-direct-no-discovery", mcpUrl=f"{_EDGE}/mcp", serviceUrl=_EDGE)
    assert result.outcome is Outcome.SKIPPED
    assert "the edge is the only address" in result.reason


def _returns(path: str, response: httpx2.Response, host: str = _EDGE) -> Answer:
    def answer(request: httpx2.Request) -> httpx2.Response | None:
        same = request.url.path == path and f"https://{request.url.host}" == host
        return response if same else None

    return answer


@pytest.mark.parametrize(
    ("check", "answer", "reason"),
    [
        (
            "P3-edge-metadata",
            _returns(_RESOURCE_PATH + "/mcp", httpx2.Response(404)),
            "the status of https://edge.example/.well-known/oauth-protected-resource/mcp is 404",
        ),
        (
            "P3-edge-metadata",
            _returns(_RESOURCE_PATH, _json(_RESOURCE | {"resource": f"{_DIRECT}/mcp"})),
            "the resource in",
        ),
        (
            "P3-edge-metadata",
            _returns(_RESOURCE_PATH, _json(_RESOURCE | {"authorization_servers": [_POOL]})),
            "the authorization servers in",
        ),
        (
            "P3-edge-metadata",
            _returns(_RESOURCE_PATH, _json(_RESOURCE | {"scopes_supported": ["reader"]})),
            "lists scopes_supported",
        ),
        (
            "P3-edge-metadata",
            _returns(_SERVER_PATH, _json(_SERVER | {"issuer": _POOL})),
            "issuer in",
        ),
        (
            "P3-edge-metadata",
            _returns(_SERVER_PATH, _json(_SERVER | {"token_endpoint": _EDGE})),
            "token_endpoint in",
        ),
        (
            "P3-edge-metadata",
            _returns(_SERVER_PATH, _json(_SERVER | {"grant_types_supported": []})),
            "lacks client_credentials",
        ),
        (
            "P3-edge-metadata",
            _returns(_SERVER_PATH, _json(_SERVER | {"scopes_supported": ["openid"]})),
            "lists scopes_supported",
        ),
        (
            "P3-edge-metadata",
            _returns(_SERVER_PATH, httpx2.Response(200, text=json.dumps(_SERVER))),
            "the content type",
        ),
        ("P3-edge-metadata", _returns(_SERVER_PATH, _json([_SERVER])), "isn't a JSON object"),
        ("P3-edge-challenge", _returns("/mcp", httpx2.Response(200)), "without a token is 200"),
        ("P3-edge-challenge", _returns("/mcp", httpx2.Response(401)), "resource_metadata in"),
        (
            "P3-edge-challenge",
            _returns("/mcp", _challenge(_METADATA)),
            "error in the challenge to a request with an expired token is None",
        ),
        ("P3-edge-read", _returns("/mcp", httpx2.Response(504)), "with HTTP 504"),
        (
            "P3-edge-token",
            _returns("/token", _json({"access_token": _token(scope="")}), _POOL),
            "the scopes of reader's token is []",
        ),
        (
            "P3-direct-no-discovery",
            _returns(_RESOURCE_PATH, _json(_RESOURCE), _DIRECT),
            "/.well-known/oauth-protected-resource returns 200",
        ),
        (
            "P3-direct-no-discovery",
            _returns("/mcp", _challenge(_METADATA), _DIRECT),
            "the challenge names the metadata",
        ),
    ],
)
def test_a_fault_fails_its_check(check: str, answer: Answer, reason: str) -> None:
    result = _run(check, answer)
    assert result.outcome is Outcome.FAILED
    assert reason in result.reason


def test_a_refused_resource_leads_to_the_document_that_says_what_to_do() -> None:
    def refuse_resource(request: httpx2.Request) -> httpx2.Response | None:
        form = parse_qs(request.content.decode())
        return (
            httpx2.Response(400, json={"error": "invalid_request"}) if "resource" in form else None
        )

    result = _run("P3-edge-token", refuse_resource)
    assert result.outcome is Outcome.FAILED
    assert "docs/edge.md, If Cognito refuses `resource`" in result.reason


def test_a_refused_client_is_not_blamed_on_resource() -> None:
    refused = httpx2.Response(400, json={"error": "invalid_client"})
    result = _run("P3-edge-token", _returns("/token", refused, _POOL))
    assert result.outcome is Outcome.FAILED
    assert "invalid_client" in result.reason
    assert "docs/edge.md" not in result.reason
