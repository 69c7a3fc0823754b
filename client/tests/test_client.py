"""Both clients against a server with scripted responses and failures."""

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests

from client.tests.site import (
    Answer,
    Request,
    Site,
    failed,
    in_turn,
    neo4j_failed,
    rows,
    serve,
)
from localcloud.certificates import CertificateAuthority
from neo4j_mcp_client import (
    BackOff,
    ConfigurationError,
    CypherError,
    DatabaseUnavailableError,
    ForbiddenError,
    Hop,
    Neo4jMcp,
    Neo4jMcpError,
    NetworkError,
    ServerError,
    TimeLimitError,
    TlsError,
    TokenExpiredError,
    TokenProvider,
    TokenRejectedError,
    ToolError,
    ToolNotFoundError,
    UnauthorizedError,
)
from neo4j_mcp_client.async_client import AsyncNeo4jMcp
from neo4j_mcp_client.calls import Limits

Call = Callable[..., Any]

EXPIRED = neo4j_failed("Neo.ClientError.Security.TokenExpired")
ROW = rows({"answer": 42})


@dataclass(frozen=True, kw_only=True)
class RecordingBackOff(BackOff):
    """A back-off without pauses that records for which attempts it was asked."""

    recorded: list[int] = field(default_factory=list)

    def pause(self, attempt: int, **_: float | None) -> float | None:  # type: ignore[override]
        self.recorded.append(attempt)
        return 0.0 if attempt < self.attempts else None


def test_a_query_is_one_request_with_a_token_and_nothing_before_it(
    call: Call, server: Site, endpoint: Site, tokens: TokenProvider
) -> None:
    assert call("read", "RETURN $n AS answer", {"n": 42}) == [{"answer": 42}]
    (request,) = server.requests
    document = json.loads(request.body)
    assert document["method"] == "tools/call"
    assert document["params"] == {
        "name": "read-cypher",
        "arguments": {"query": "RETURN $n AS answer", "params": {"n": 42}},
    }
    assert request.authorization == f"Bearer {tokens.token().value}"
    assert len(endpoint.requests) == 1


def test_each_method_calls_its_tool(call: Call, server: Site) -> None:
    call("write", "CREATE (:Person)")
    call("schema")
    call("call", "list-gds-procedures", {"a": 1})
    asked = [json.loads(request.body)["params"] for request in server.requests]
    assert asked == [
        {"name": "write-cypher", "arguments": {"query": "CREATE (:Person)"}},
        {"name": "get-schema", "arguments": {}},
        {"name": "list-gds-procedures", "arguments": {"a": 1}},
    ]


def test_tools_are_listed(call: Call, server: Site) -> None:
    tool = {
        "name": "read-cypher",
        "description": "\n\tReads.",
        "inputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": True},
    }
    server.answer = lambda _: Answer(
        body={"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool, {"name": "bare"}]}}
    )
    reading, bare = call("tools")
    assert (reading.name, reading.description, reading.read_only) == ("read-cypher", "Reads.", True)
    assert (bare.input_schema, bare.read_only) == ({}, False)


def test_a_result_that_isnt_json_is_returned_as_text(call: Call, server: Site) -> None:
    text = {"content": [{"type": "text", "text": "in words"}]}
    server.answer = lambda _: Answer(body={"jsonrpc": "2.0", "id": 1, "result": text})
    assert call("call", "get-schema") == "in words"
    assert call("schema") == []


def test_integers_beyond_a_float_stay_exact(call: Call, server: Site) -> None:
    server.answer = lambda _: rows({"big": 9007199254740993})
    assert call("read", "RETURN 9007199254740993 AS big") == [{"big": 9007199254740993}]


@pytest.mark.parametrize(
    ("answer", "kind", "hop", "says"),
    [
        (Answer(status=401, body=b"no"), UnauthorizedError, Hop.SERVER, r"HTTP 401: no\. Send"),
        (Answer(status=401, body=b"No."), UnauthorizedError, Hop.SERVER, r"HTTP 401: No\. Send"),
        (EXPIRED, TokenExpiredError, Hop.DATABASE, "TokenExpired"),
        (
            neo4j_failed("Neo.ClientError.Security.AuthorizationExpired"),
            TokenExpiredError,
            Hop.DATABASE,
            "AuthorizationExpired",
        ),
        (
            neo4j_failed("Neo.ClientError.Security.Unauthorized"),
            TokenRejectedError,
            Hop.DATABASE,
            "Unauthorized",
        ),
        (
            neo4j_failed("Neo.ClientError.Security.Forbidden"),
            ForbiddenError,
            Hop.DATABASE,
            "Forbidden",
        ),
        (
            neo4j_failed("Neo.ClientError.Statement.SyntaxError", "Invalid (input)"),
            CypherError,
            Hop.DATABASE,
            r"SyntaxError: Invalid \(input\)",
        ),
        (
            neo4j_failed("Neo.ClientError.Procedure.ProcedureNotFound"),
            CypherError,
            Hop.DATABASE,
            "APOC",
        ),
        (failed("Query parameter is required"), ToolError, Hop.SERVER, "Query parameter"),
        (
            failed("ConnectivityError: Unable to retrieve routing table"),
            DatabaseUnavailableError,
            Hop.DATABASE,
            "routing table",
        ),
        (
            neo4j_failed("Neo.TransientError.Security.AuthProviderTimeout"),
            DatabaseUnavailableError,
            Hop.DATABASE,
            "AuthProviderTimeout",
        ),
        (
            Answer(
                body={
                    "jsonrpc": "2.0",
                    "id": 1,
                    "error": {"code": -32602, "message": "tool 'x' not found: tool not found"},
                }
            ),
            ToolNotFoundError,
            Hop.SERVER,
            "readOnly",
        ),
        (
            Answer(body={"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "what"}}),
            ToolError,
            Hop.SERVER,
            "JSON-RPC error -32601: what",
        ),
        (Answer(status=429), ServerError, Hop.HOST, "HTTP 429"),
        (Answer(status=503, body=b"no instance"), ServerError, Hop.HOST, "HTTP 503: no instance"),
        (Answer(status=404), ServerError, Hop.HOST, "HTTP 404"),
        (
            Answer(status=307, headers={"Location": "http://localhost:1/"}),
            ServerError,
            Hop.HOST,
            "HTTP 307",
        ),
        (Answer(body=b"<html>"), ServerError, Hop.HOST, "isn't an MCP result"),
        (Answer(body=[]), ServerError, Hop.HOST, "isn't an MCP result"),
        (Answer(body={"result": {}}), ServerError, Hop.HOST, "isn't an MCP result"),
        (Answer(body={"result": {"content": []}}), ServerError, Hop.HOST, "isn't an MCP result"),
        (Answer(cut=True), NetworkError, Hop.HOST, "may have been executed"),
        (
            Answer(body=b"[1, 2, 3]", cut_body=True),
            NetworkError,
            Hop.HOST,
            "may have been executed",
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_each_failure_has_its_exception(
    call: Call, server: Site, answer: Answer, kind: type[Neo4jMcpError], hop: Hop, says: str
) -> None:
    server.answer = lambda _: answer
    with pytest.raises(Neo4jMcpError, match=says) as raised:
        call("write", "CREATE (:Person)")
    assert type(raised.value) is kind
    assert raised.value.hop is hop
    # The HTTP library's own would hold the request, and so the token.
    context = raised.value.__context__
    assert not isinstance(context, (requests.RequestException, httpx2.HTTPError))


@pytest.mark.parametrize(
    ("status", "what_to_do"),
    [(403, "neo4j-mcp doctor"), (413, "Send less"), (429, "maxInstances"), (502, "the service")],
)
def test_a_refusal_of_the_host_says_what_to_do(
    call: Call, server: Site, status: int, what_to_do: str
) -> None:
    server.answer = lambda _: Answer(status=status)
    with pytest.raises(ServerError) as raised:
        call("write", "CREATE (:Person)")
    assert what_to_do in str(raised.value)


def test_a_cypher_error_has_neo4js_code(call: Call, server: Site) -> None:
    server.answer = lambda _: neo4j_failed("Neo.ClientError.Schema.ConstraintValidationFailed")
    with pytest.raises(CypherError) as raised:
        call("write", "CREATE (:Person)")
    assert raised.value.code == "Neo.ClientError.Schema.ConstraintValidationFailed"


PASSING = [
    Answer(status=429),
    Answer(status=502),
    Answer(status=503),
    Answer(cut=True),
    neo4j_failed("Neo.TransientError.Transaction.DeadlockDetected"),
    failed("failed to execute write query: ConnectivityError: EOF"),
    failed("failed to execute write query: unexpected EOF"),
]


@pytest.mark.parametrize("trouble", PASSING, ids=range(len(PASSING)))
def test_a_read_outlives_passing_trouble(call: Call, server: Site, trouble: Answer) -> None:
    server.answer = in_turn(trouble, trouble, ROW)
    assert call("read", "RETURN 42 AS answer") == [{"answer": 42}]
    assert len(server.requests) == 3


@pytest.mark.parametrize("trouble", PASSING, ids=range(len(PASSING)))
def test_a_write_that_may_have_happened_is_not_sent_twice(
    call: Call, server: Site, trouble: Answer
) -> None:
    server.answer = in_turn(trouble, ROW)
    with pytest.raises(Neo4jMcpError):
        call("write", "CREATE (:Person)")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        neo4j_failed("Neo.TransientError.Security.AuthProviderFailed"),
        failed("failed to execute write query: ConnectivityError: dial tcp: connection refused"),
    ],
    ids=["not logged on", "not connected"],
)
def test_a_write_that_never_reached_the_database_is_sent_again(
    call: Call, server: Site, trouble: Answer
) -> None:
    server.answer = in_turn(trouble, ROW)
    assert call("write", "CREATE (:Person)") == [{"answer": 42}]


@pytest.mark.parametrize("trouble", [Answer(cut=True), Answer(status=503)])
def test_a_read_never_asks_to_look_for_its_work(call: Call, server: Site, trouble: Answer) -> None:
    server.answer = lambda _: trouble
    with pytest.raises(Neo4jMcpError) as raised:
        call("read", "RETURN 1")
    assert not raised.value.may_have_run


def test_a_write_over_tls_that_fails_did_not_run(call: Call, server: Site) -> None:
    # The server speaks plain HTTP: the handshake fails, and nothing was sent.
    url = server.url.replace("http://", "https://")
    with pytest.raises((TlsError, NetworkError)) as raised:
        call("write", "CREATE (:Person)", url=url)
    assert not raised.value.may_have_run
    assert server.requests == []


def test_an_unknown_tool_is_taken_for_one_that_writes(call: Call, server: Site) -> None:
    server.answer = in_turn(Answer(status=503), ROW)
    with pytest.raises(ServerError):
        call("call", "some-tool")
    assert len(server.requests) == 1


def test_a_write_that_was_never_sent_is_retried(call: Call, tokens: TokenProvider) -> None:
    tokens.token()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    back_off = RecordingBackOff()
    with pytest.raises(NetworkError) as raised:
        call("write", "CREATE (:Person)", url=f"http://127.0.0.1:{port}/mcp", back_off=back_off)
    assert not raised.value.may_have_run
    assert back_off.recorded == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("method", ["read", "write"])
def test_an_expired_token_is_renewed_once(
    call: Call, server: Site, endpoint: Site, method: str
) -> None:
    server.answer = in_turn(EXPIRED, ROW)
    assert call(method, "RETURN 42 AS answer") == [{"answer": 42}]
    first, second = (request.authorization for request in server.requests)
    assert first != second
    assert len(endpoint.requests) == 2


def test_a_repeatedly_rejected_token_is_renewed_once(
    call: Call, server: Site, endpoint: Site
) -> None:
    server.answer = lambda _: EXPIRED
    with pytest.raises(TokenExpiredError):
        call("read", "RETURN 1")
    assert len(server.requests) == 2
    assert len(endpoint.requests) == 2


def test_a_rejected_fresh_token_is_not_requested_again(
    call: Call, server: Site, endpoint: Site
) -> None:
    server.answer = lambda _: neo4j_failed("Neo.ClientError.Security.Unauthorized")
    for _ in range(3):
        with pytest.raises(TokenRejectedError, match="auraSso"):
            call("read", "RETURN 1")
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("trouble", [Answer(status=503, delay=0.3), Answer(delay=0.3, cut=True)])
def test_an_answer_that_the_server_drops_is_a_time_limit(
    call: Call, server: Site, trouble: Answer
) -> None:
    server.answer = lambda _: trouble
    with pytest.raises(TimeLimitError, match=r"longer than 0\.7 s") as raised:
        call("write", "CALL apoc.util.sleep(65000)", limits=Limits(server=0.7))
    assert raised.value.hop is Hop.SERVER
    assert raised.value.may_have_run
    assert len(server.requests) == 1


def test_an_answer_that_the_host_drops_is_a_time_limit(call: Call, server: Site) -> None:
    server.answer = lambda _: Answer(status=503, delay=0.3)
    with pytest.raises(TimeLimitError, match=r"within 0\.7 s: the host") as raised:
        call("read", "RETURN 1", limits=Limits(host=0.7))
    assert raised.value.hop is Hop.HOST


def test_the_clients_timeout_ends_the_call_and_is_reported(call: Call, server: Site) -> None:
    server.answer = lambda _: Answer(delay=1)
    with pytest.raises(TimeLimitError, match=r"within 0.2 s, the client's own time limit"):
        call("read", "RETURN 1", timeout=0.2)
    assert len(server.requests) == 1


def test_an_unknown_host_name_is_reported(call: Call) -> None:
    with pytest.raises(NetworkError, match=r"the name nowhere\.invalid can't be resolved"):
        call("read", "RETURN 1", url="https://nowhere.invalid/mcp")


def test_an_untrusted_certificate_is_reported_and_a_bundle_fixes_it(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path / "ca")
    with serve(lambda _: ROW, authority.server_context(["localhost"])) as site:
        with pytest.raises(TlsError, match=r"localhost:\d+ isn't trusted.*REQUESTS_CA_BUNDLE"):
            call("read", "RETURN 1", url=site.url)
        assert site.requests == []
        bundle = authority.certificate_path
        assert call("read", "RETURN 1", url=site.url, ca_bundle=bundle) == [{"answer": 42}]
        for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            monkeypatch.setenv(variable, str(bundle))
            assert call("read", "RETURN 1", url=site.url) == [{"answer": 42}]
            monkeypatch.delenv(variable)


def test_a_certificate_for_another_name_is_reported(call: Call, tmp_path: Path) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path / "ca")
    with (
        serve(lambda _: ROW, authority.server_context(["example.org"])) as site,
        # OpenSSL's own message ends with a full stop.
        pytest.raises(TlsError, match=r"isn't trusted: .* not valid for 'localhost'\. If"),
    ):
        call("read", "RETURN 1", url=site.url, ca_bundle=authority.certificate_path)


def test_tls_with_a_plain_server_is_reported(call: Call, server: Site) -> None:
    with pytest.raises(TlsError, match="TLS with localhost"):
        call("read", "RETURN 1", url=server.url.replace("http://", "https://"))


def test_a_missing_bundle_is_reported(call: Call) -> None:
    with pytest.raises(ConfigurationError, match=r"ca_bundle names /nowhere"):
        call("read", "RETURN 1", ca_bundle="/nowhere")


def test_plain_http_to_another_machine_is_refused(call: Call, endpoint: Site) -> None:
    with pytest.raises(ConfigurationError, match="would expose secrets"):
        call("read", "RETURN 1", url="http://server.example/mcp")
    assert endpoint.requests == []


def test_values_without_a_json_form_are_never_sent(call: Call, server: Site) -> None:
    with pytest.raises(TypeError):
        call("read", "RETURN $x", {"x": object()})
    assert server.requests == []


def test_a_netrc_is_not_sent_in_the_place_of_a_token(
    call: Call, server: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login somebody password else\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    call("read", "RETURN 1")
    assert server.requests[0].authorization.startswith("Bearer ")


def test_threads_share_connections_that_stay_open(server: Site, tokens: TokenProvider) -> None:
    server.answer = lambda _: Answer(body=ROW.body, delay=0.02)
    with Neo4jMcp(server.url, tokens, connections=4) as neo4j, ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: neo4j.read("RETURN 42 AS answer"), range(64)))
    assert found == [[{"answer": 42}]] * 64
    assert server.connections == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform doesn't fork")
def test_a_forked_process_has_its_own_connections(server: Site, tokens: TokenProvider) -> None:
    with Neo4jMcp(server.url, tokens) as neo4j:
        neo4j.read("RETURN 1")
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            os._exit(0 if neo4j.read("RETURN 1") == [{"answer": 42}] else 1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        neo4j.read("RETURN 1")
    assert server.connections == 2


async def test_tasks_share_connections_that_stay_open(server: Site, tokens: TokenProvider) -> None:
    async with AsyncNeo4jMcp(server.url, tokens, connections=4) as neo4j:
        found = await asyncio.gather(*(neo4j.read("RETURN 42 AS answer") for _ in range(64)))
    assert found == [[{"answer": 42}]] * 64
    assert server.connections == 4


def test_64_threads_outlive_an_expiry_with_one_renewal(
    server: Site, endpoint: Site, tokens: TokenProvider
) -> None:
    good = "Bearer " + tokens.token().value
    lock = threading.Lock()

    def answer(request: Request) -> Answer:
        with lock:
            return ROW if request.authorization != good else EXPIRED

    server.answer = answer
    with Neo4jMcp(server.url, tokens) as neo4j, ThreadPoolExecutor(64) as pool:
        found = list(pool.map(lambda _: neo4j.read("RETURN 42 AS answer"), range(256)))
    assert found == [[{"answer": 42}]] * 256
    assert len(endpoint.requests) == 2
