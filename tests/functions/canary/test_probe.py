"""The canary against HTTP servers: what it sends, which hop it names, and when it takes a token."""

import json
from collections.abc import Callable, Mapping

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from functions.canary import mcp
from functions.canary.credentials import CanaryError, Credentials
from functions.canary.exchange import Answer, NoAnswerError, post
from functions.canary.failures import Hop
from functions.canary.probe import Canary, TimeLimits
from tests.functions.canary.conftest import CLIENT_SECRET, Way, tool_result
from tests.ports import free_ports

_FAILED_READ = "failed to execute read query: Neo4jError: {code} ({message})"
_WHOLE_WAY = ["initialize", "tools/list", "tools/call"]


def rpc_error(code: int, message: str) -> Response:
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}
    return Response(json.dumps(error), content_type="application/json")


def database_error(code: str, message: str = "") -> dict[str, object]:
    return tool_result(_FAILED_READ.format(code=code, message=message), failed=True)


def test_the_whole_way_works(way: Way) -> None:
    outcome = way.canary().run()

    assert outcome.succeeded
    assert outcome.milliseconds is not None
    assert outcome.milliseconds > 0
    assert way.methods() == _WHOLE_WAY
    assert way.forms == [{"grant_type": ["client_credentials"], "scope": ["neo4j-mcp/reader"]}]
    assert outcome.line() == {
        "message": "canary",
        "success": True,
        "milliseconds": round(outcome.milliseconds, 1),
        "newToken": True,
    }


def test_the_token_is_kept_while_it_is_valid(way: Way) -> None:
    canary = way.canary()
    outcomes = [canary.run() for _ in range(3)]
    assert [each.new_token for each in outcomes] == [True, False, False]
    assert (len(way.issued), way.reads) == (1, 1)

    # A minute before its end it is no longer used, since a call takes time.
    way.time += way.lifetime - 61
    assert not canary.run().new_token
    way.time += 2
    assert canary.run().new_token
    assert way.issued == ["token-1", "token-2"]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Response('{"error": "invalid_client"}', 400), "HTTP 400 invalid_client"),
        (Response('{"error": "Too many requests!"}', 429), "HTTP 429"),
        (Response("<html>", 503), "HTTP 503"),
        (Response("{}", 200), "the answer contains no access token"),
        (Response("[" * 100_000, 200), "the answer contains no access token"),
        (
            Response('{"access_token": "value"}', 200),
            "the answer doesn't say how long the token is valid",
        ),
        # A redirect isn't followed: it would send the client secret to another address.
        (Response("", 302, {"Location": "/mcp"}), "HTTP 302"),
    ],
)
def test_the_token_endpoint_is_named(way: Way, answer: Response, cause: str) -> None:
    way.token = answer

    outcome = way.canary().run()

    assert (outcome.hop, outcome.cause) == (Hop.TOKEN, cause)
    assert outcome.milliseconds is None
    assert way.methods() == []


@pytest.mark.parametrize("method", _WHOLE_WAY)
@pytest.mark.parametrize(
    ("answer", "hop", "cause"),
    [
        (Response("", 403), Hop.HOST, "HTTP 403"),
        (Response("404 page not found", 404), Hop.HOST, "HTTP 404"),
        (Response("", 429), Hop.HOST, "HTTP 429"),
        (Response("", 502), Hop.HOST, "HTTP 502"),
        (Response("", 307, {"Location": "/moved/mcp"}), Hop.HOST, "HTTP 307"),
        (Response("", 400), Hop.SERVER, "HTTP 400"),
        (Response("<html>", 200), Hop.SERVER, "the answer isn't an MCP result"),
        (Response("[]", 200), Hop.SERVER, "the answer isn't an MCP result"),
        (Response('{"result": 1}', 200), Hop.SERVER, "the answer isn't an MCP result"),
        (rpc_error(-32601, "unknown method"), Hop.SERVER, "JSON-RPC -32601: unknown method"),
    ],
)
def test_a_failure_of_the_host_is_distinguished_from_one_of_the_server(
    way: Way, method: str, answer: Response, hop: Hop, cause: str
) -> None:
    way.answers[method] = answer

    outcome = way.canary().run()

    assert (outcome.hop, outcome.cause) == (hop, cause)
    assert way.methods()[-1] == method


@pytest.mark.parametrize(
    ("method", "result", "cause"),
    [
        ("tools/list", {"tools": []}, "the server doesn't list the tool read-cypher"),
        ("tools/list", {}, "the answer isn't an MCP result"),
        ("tools/call", {}, "the answer isn't an MCP result"),
        ("tools/call", tool_result("[]"), "RETURN 1 AS one returned something else"),
        ("tools/call", tool_result("one"), "RETURN 1 AS one returned something else"),
    ],
)
def test_a_server_that_answers_something_else_is_named(
    way: Way, method: str, result: dict[str, object], cause: str
) -> None:
    way.answers[method] = result

    outcome = way.canary().run()

    assert (outcome.hop, outcome.cause) == (Hop.SERVER, cause)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            _FAILED_READ.format(
                code="Neo.ClientError.Security.Unauthorized", message="The client is unauthorized"
            ),
            "Neo.ClientError.Security.Unauthorized",
        ),
        (
            _FAILED_READ.format(code="Neo.TransientError.General.DatabaseUnavailable", message=""),
            "Neo.TransientError.General.DatabaseUnavailable",
        ),
        (
            "failed to verify connectivity:\nConnectivityError: Unable to retrieve routing table",
            "failed to verify connectivity: ConnectivityError: Unable to retrieve routing table",
        ),
    ],
)
def test_the_database_is_named_although_the_status_is_200(way: Way, text: str, cause: str) -> None:
    way.answers["tools/call"] = tool_result(text, failed=True)

    outcome = way.canary().run()

    assert (outcome.hop, outcome.cause) == (Hop.DATABASE, cause)
    assert outcome.line() == {
        "message": "canary",
        "success": False,
        "hop": "database",
        "cause": cause,
        "newToken": True,
    }


def test_a_read_without_an_answer_waits_for_the_database() -> None:
    failure = mcp.without_answer(mcp.READ, NoAnswerError("no answer within 15 s", timed_out=True))

    assert (failure.hop, failure.cause) == (Hop.DATABASE, "no answer within 15 s")


def test_a_read_whose_connection_ends_has_lost_the_host() -> None:
    failure = mcp.without_answer(mcp.READ, NoAnswerError("the connection ended"))

    assert failure.hop is Hop.HOST


def test_another_request_without_an_answer_waits_for_the_host(
    way: Way, slow: Callable[[str], None]
) -> None:
    slow("initialize")

    outcome = way.canary(TimeLimits(step=0.5)).run()

    assert (outcome.hop, outcome.cause) == (Hop.HOST, "no answer within 0.5 s")


def test_all_requests_share_a_time_limit(way: Way) -> None:
    limits: list[float] = []
    time = 0.0

    def slowly(url: str, body: bytes, headers: Mapping[str, str], *, limit: float) -> Answer:
        nonlocal time
        limits.append(limit)
        time += 9
        return post(url, body, headers, limit=30)

    canary = Canary(
        lambda: way.credentials,
        post=slowly,
        clock=lambda: time,
        limits=TimeLimits(token=10, step=15, total=30),
    )

    assert canary.run().milliseconds == 27_000
    assert limits == [10, 15, 12, 3]


def test_a_host_without_a_listener_is_named(way: Way) -> None:
    (port,) = free_ports(1)
    way.credentials = way.made_of(f"http://127.0.0.1:{port}/mcp", CLIENT_SECRET)

    outcome = way.canary().run()

    assert (outcome.hop, outcome.cause) == (Hop.HOST, "Connection refused")


def test_a_token_endpoint_without_a_listener_is_named(httpserver: HTTPServer) -> None:
    (port,) = free_ports(1)
    credentials = Credentials(
        client_id="canary-id",
        client_secret=CLIENT_SECRET,
        token_url=f"http://127.0.0.1:{port}/oauth2/token",
        mcp_url=httpserver.url_for("/mcp"),
        scopes=("neo4j-mcp/reader",),
    )

    outcome = Canary(lambda: credentials).run()

    assert (outcome.hop, outcome.cause) == (Hop.TOKEN, "Connection refused")


def test_a_kept_token_that_the_server_rejects_is_replaced_at_once(way: Way) -> None:
    canary = way.canary()
    canary.run()
    way.methods()
    way.rejected = {"token-1"}

    outcome = canary.run()

    assert outcome.succeeded
    assert outcome.new_token
    assert way.methods() == ["initialize", *_WHOLE_WAY]


def test_a_new_token_that_the_database_rejects_is_not_kept(way: Way) -> None:
    way.answers["tools/call"] = database_error("Neo.ClientError.Security.TokenExpired")
    canary = way.canary()

    assert canary.run().hop is Hop.DATABASE
    assert canary.run().hop is Hop.DATABASE
    assert way.issued == ["token-1", "token-2"]
    assert way.methods() == _WHOLE_WAY * 2


def test_an_outage_of_the_database_costs_no_tokens(way: Way) -> None:
    way.answers["tools/call"] = database_error("Neo.TransientError.General.DatabaseUnavailable")
    canary = way.canary()

    assert [canary.run().hop for _ in range(3)] == [Hop.DATABASE] * 3
    assert way.issued == ["token-1"]
    assert way.methods() == _WHOLE_WAY * 3


def test_a_failure_at_an_address_that_has_changed_does_not_count(way: Way) -> None:
    canary = way.canary()
    assert canary.run().succeeded
    way.credentials = way.made_of(way.server.url_for("/moved/mcp"), CLIENT_SECRET)
    way.gone = {"/mcp"}

    assert canary.run().succeeded
    assert way.server.log[-1][0].path == "/moved/mcp"


def test_a_rotated_client_secret_is_read_with_the_next_token(way: Way) -> None:
    canary = way.canary()
    assert canary.run().succeeded
    way.credentials = way.made_of(way.server.url_for("/mcp"), "another-made-up-secret")

    assert canary.run().succeeded
    way.time += way.lifetime
    assert canary.run().succeeded
    assert way.issued == ["token-1", "token-2"]


def test_neither_the_client_secret_nor_a_token_is_shown(way: Way) -> None:
    way.answers["tools/call"] = tool_result(f"token-1 or {CLIENT_SECRET}?\n" * 99, failed=True)
    canary = way.canary()

    outcome = canary.run()

    assert outcome.cause.startswith("*** or ***? *** or")
    assert len(outcome.cause) == 300
    assert CLIENT_SECRET not in repr(way.credentials)


@pytest.mark.parametrize(
    "change",
    [
        {"clientSecret": None},
        {"clientSecret": ""},
        {"tokenUrl": "file:///etc/passwd"},
        {"mcpUrl": "mcp.example"},
        {"scopes": [1]},
    ],
)
def test_a_secret_with_another_value_is_a_fault_of_the_canary(change: dict[str, object]) -> None:
    value = {
        "clientId": "canary-id",
        "clientSecret": CLIENT_SECRET,
        "tokenUrl": "https://auth.example/oauth2/token",
        "mcpUrl": "https://mcp.example/mcp",
        "scopes": ["neo4j-mcp/reader"],
    }
    assert Credentials.parse(json.dumps(value)).client_id == "canary-id"

    with pytest.raises(CanaryError, match="isn't a client's credentials") as raised:
        Credentials.parse(json.dumps(value | change))
    assert CLIENT_SECRET not in str(raised.value)
