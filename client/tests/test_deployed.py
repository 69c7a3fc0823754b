"""The library against the deployed stack."""

import asyncio
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from automation.deployment import Deployment
from client.record import RELEASE, VALUES, answers_of, release_of
from client.tests.app_clients import new_app_client
from client.tests.conftest import Clock
from localcloud.cloud import Cloud
from localcloud.console import connect_aura
from neo4j_mcp_client import (
    AccessToken,
    CypherError,
    FixedCredentials,
    ForbiddenError,
    InvalidClientError,
    InvalidScopeError,
    Neo4jMcp,
    SecretStoreError,
    TimeLimitError,
    TlsError,
    TokenProvider,
    TokenRejectedError,
    ToolError,
    ToolNotFoundError,
    UnauthorizedError,
    source_from_arn,
)
from neo4j_mcp_client import httpx2 as for_httpx2
from neo4j_mcp_client.async_client import AsyncNeo4jMcp
from neo4j_mcp_client.file_cache import FileTokenCache
from neo4j_mcp_client.tokens import cache_key
from neo4j_mcp_client.values import LostValueWarning
from tests.stand_in import Aws, Configure

pytestmark = pytest.mark.stand_in


@pytest.fixture(autouse=True)
def caller(running: Cloud, no_bundles: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - sets what that one removes
    """Set only the variables of `make env` in this process."""
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def arns(outputs: dict[str, Any]) -> dict[str, str]:
    return {name: client["secretArn"] for name, client in outputs["clients"].items()}


@pytest.fixture
def reader(arns: dict[str, str]) -> Iterator[Neo4jMcp]:
    with Neo4jMcp.from_secret(arns["reader"]) as neo4j:
        yield neo4j


@pytest.fixture
def writer(arns: dict[str, str]) -> Iterator[Neo4jMcp]:
    with Neo4jMcp.from_secret(arns["writer"]) as neo4j:
        yield neo4j
        neo4j.write("MATCH (n:Probe) DETACH DELETE n")


def test_written_rows_are_read(reader: Neo4jMcp, writer: Neo4jMcp) -> None:
    rows = [{"name": "Åsa", "tags": ["a", "b"], "big": 2**53 + 1}, {"name": "Bo", "tags": []}]
    written = writer.write(
        "UNWIND $rows AS row CREATE (p:Probe) SET p = row RETURN count(p) AS created",
        {"rows": rows},
    )
    assert written == [{"created": 2}]
    read = reader.read("MATCH (p:Probe) RETURN p.name AS name, p.tags AS tags, p.big AS big")
    assert sorted(read, key=lambda row: row["name"]) == [
        {"name": "Bo", "tags": [], "big": None},
        {"name": "Åsa", "tags": ["a", "b"], "big": 2**53 + 1},
    ]
    assert "Probe" in {entry["key"] for entry in reader.schema()}


def test_the_recorded_release_matches_the_server(writer: Neo4jMcp) -> None:
    recorded = json.loads(RELEASE.read_text(encoding="utf-8"))
    assert release_of(writer) == recorded, "Run: make demo record"


def test_the_recorded_values_match_the_server(writer: Neo4jMcp) -> None:
    recorded = json.loads(VALUES.read_text(encoding="utf-8"))
    found = answers_of(writer)
    for before, now in zip(recorded, found, strict=True):
        assert now == before, "Run: make demo record"


def test_a_lost_date_comes_with_a_warning(reader: Neo4jMcp) -> None:
    with pytest.warns(LostValueWarning, match="`born` may have lost"):
        assert reader.read("RETURN date('2025-09-04') AS born") == [{"born": {}}]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reader.read("RETURN toString(date('2025-09-04')) AS born") == [
            {"born": "2025-09-04"}
        ]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("RETUR 'Neo.ClientError.Security.Forbidden (no)'", CypherError),
        ("RETURN x /* Neo4jError: Neo.ClientError.Security.TokenExpired (no) */", CypherError),
        ("RETURN x // ConnectivityError: dial", CypherError),
        ("RETURN 1.0 / 0.0 AS `ConnectivityError: dial`", ToolError),
    ],
)
def test_a_querys_text_does_not_change_the_verdict(
    reader: Neo4jMcp, query: str, kind: type[ToolError]
) -> None:
    with pytest.raises(ToolError) as raised:
        reader.read(query)
    assert type(raised.value) is kind


def test_the_server_names_its_tools(reader: Neo4jMcp) -> None:
    tools = {tool.name: tool.read_only for tool in reader.tools()}
    assert tools == {"get-schema": True, "read-cypher": True, "write-cypher": False}


def test_tasks_call_side_by_side(arns: dict[str, str]) -> None:
    async def ask() -> list[list[dict[str, Any]]]:
        source = source_from_arn(arns["reader"])
        async with AsyncNeo4jMcp.from_source(source) as neo4j:
            answers: list[Any] = await asyncio.gather(
                *(neo4j.read("RETURN $n AS n", {"n": number}) for number in range(50))
            )
            return answers

    assert asyncio.run(ask()) == [[{"n": number}] for number in range(50)]


def test_a_reader_may_not_write(reader: Neo4jMcp) -> None:
    with pytest.raises(ForbiddenError, match=r"Neo\.ClientError\.Security\.Forbidden"):
        reader.write("CREATE (:Intruder)")
    with pytest.raises(ToolError, match="use write-cypher"):
        reader.read("CREATE (:Intruder)")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("RETUR 1", "Neo.ClientError.Statement.SyntaxError"),
        ("RETURN $missing AS m", "Neo.ClientError.Statement.ParameterMissing"),
        ("RETURN 1 / 0 AS n", "Neo.ClientError.Statement.ArithmeticError"),
        ("CALL no.such()", "Neo.ClientError.Procedure.ProcedureNotFound"),
    ],
)
def test_a_cypher_error_has_neo4js_code(reader: Neo4jMcp, query: str, code: str) -> None:
    with pytest.raises(CypherError) as raised:
        reader.read(query)
    assert raised.value.code == code


def test_a_tool_that_is_not_there(reader: Neo4jMcp) -> None:
    with pytest.raises(ToolNotFoundError, match="no-such-tool"):
        reader.call("no-such-tool")


@pytest.mark.slow
def test_a_read_only_server_has_no_tool_to_write(
    writer: Neo4jMcp,
    configure: Configure,
    deployed: Deployment,
) -> None:
    configure({"neo4j-mcp:readOnly": "true"})
    deployed.up()
    with pytest.raises(ToolNotFoundError, match="readOnly"):
        writer.write("CREATE (:Intruder)")
    configure({"neo4j-mcp:readOnly": "false"})
    deployed.up()


def test_a_refused_token_is_replaced_before_a_caller_sees_it(
    outputs: dict[str, Any], arns: dict[str, str], tmp_path: Path
) -> None:
    source = source_from_arn(arns["writer"])
    token = TokenProvider(source).token()
    header, claims, signature = token.value.split(".")
    forged = f"{header}.{claims}.{signature[::-1]}"
    old = AccessToken(value=forged, expires_at=token.expires_at - 60, lifetime=token.lifetime)
    cache = FileTokenCache(tmp_path / "tokens" / "tokens.json")
    cache.put(cache_key(source.current()), old)
    tokens = TokenProvider(source, cache=cache)
    assert tokens.token() == old
    with Neo4jMcp(outputs["mcpUrl"], tokens) as neo4j:
        # Refused at authentication, so even a write is sent again.
        assert neo4j.write("CREATE (p:Probe) DELETE p RETURN 1 AS done") == [{"done": 1}]
    assert tokens.token().value not in {forged, token.value}


def test_a_token_for_another_audience_is_rejected(
    running: Cloud, outputs: dict[str, Any], reader: Neo4jMcp
) -> None:
    aura_sso = outputs["auraSso"]
    connect_aura(running, aura_sso | {"audience": ["somebody-else"]})
    try:
        with pytest.raises(TokenRejectedError, match="auraSso"):
            reader.read("RETURN 1 AS one")
    finally:
        connect_aura(running, aura_sso)
    assert reader.read("RETURN 1 AS one") == [{"one": 1}]


def test_a_wrong_secret_and_a_scope_that_is_not_allowed(
    outputs: dict[str, Any], arns: dict[str, str]
) -> None:
    good = source_from_arn(arns["reader"]).current()
    writers = next(scope for scope in outputs["scopes"] if scope not in good.scopes)
    for wrong, kind in [
        (replace(good, client_secret="wrong"), InvalidClientError),
        (replace(good, client_id="nobody"), InvalidClientError),
        (replace(good, scopes=(writers,)), InvalidScopeError),
        (replace(good, scopes=("no-such/scope",)), InvalidScopeError),
    ]:
        with Neo4jMcp.from_source(FixedCredentials(wrong)) as neo4j, pytest.raises(kind):
            neo4j.read("RETURN 1 AS one")


def test_a_missing_secret_is_reported(outputs: dict[str, Any]) -> None:
    arn = outputs["clients"]["reader"]["secretArn"] + "x"
    with pytest.raises(SecretStoreError, match=r"ResourceNotFoundException.*output `clients`"):
        Neo4jMcp.from_secret(arn)


def test_without_the_authority_the_server_is_not_trusted(
    arns: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name)
    with (
        Neo4jMcp.from_secret(arns["reader"]) as neo4j,
        pytest.raises(TlsError, match="isn't trusted"),
    ):
        neo4j.read("RETURN 1 AS one")


def test_the_server_rejects_a_lowercase_bearer(
    outputs: dict[str, Any], arns: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AccessToken, "authorization", property(lambda own: f"bearer {own.value}"))
    with (
        Neo4jMcp.from_secret(arns["reader"]) as neo4j,
        pytest.raises(UnauthorizedError, match="capital B"),
    ):
        neo4j.read("RETURN 1 AS one")
    assert outputs["mcpUrl"]


@pytest.mark.slow
def test_a_query_beyond_sixty_seconds_is_a_time_limit(reader: Neo4jMcp) -> None:
    with pytest.raises(TimeLimitError, match="60 s") as raised:
        reader.read("CALL apoc.util.sleep(61000) RETURN 1 AS one")
    assert raised.value.limit == 60
    # It only read.
    assert not raised.value.may_have_run


@pytest.fixture
def rotating(
    running: Cloud, outputs: dict[str, Any], aws: Aws, user_pool: str
) -> Iterator[Callable[[], str]]:
    """A separate secret; each call replaces its credentials with another app client's."""
    cognito, secrets = aws("cognito-idp"), aws("secretsmanager")
    arn = ""
    clients: list[str] = []

    def rotate() -> str:
        nonlocal arn
        secret = new_app_client(cognito, user_pool, outputs, "rotating")
        text = json.dumps(secret)
        connect_aura(running, outputs["auraSso"] | {"audience": [secret["clientId"]]})
        if arn:
            secrets.put_secret_value(SecretId=arn, SecretString=text)
            cognito.delete_user_pool_client(UserPoolId=user_pool, ClientId=clients[-1])
        else:
            arn = secrets.create_secret(Name="rotating", SecretString=text)["ARN"]
        clients.append(secret["clientId"])
        return arn

    yield rotate
    connect_aura(running, outputs["auraSso"])
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    cognito.delete_user_pool_client(UserPoolId=user_pool, ClientId=clients[-1])


def test_a_caller_from_before_a_rotation_continues(
    rotating: Callable[[], str], clock: Clock
) -> None:
    source = source_from_arn(rotating())
    tokens = TokenProvider(source, clock=clock)
    with Neo4jMcp(source.current().mcp_url, tokens) as neo4j:
        assert neo4j.read("RETURN 1 AS one") == [{"one": 1}]
        before = tokens.token()
        rotating()
        # The old token expires, and the old secret can't get another one.
        clock.advance(before.lifetime)
        assert neo4j.read("RETURN 1 AS one") == [{"one": 1}]
    assert tokens.token().claims["client_id"] != before.claims["client_id"]


def test_any_http_client_takes_the_tokens(outputs: dict[str, Any], arns: dict[str, str]) -> None:
    auth = for_httpx2.BearerAuth(TokenProvider(source_from_arn(arns["reader"])))
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "tests", "version": "1"},
        },
    }
    headers = {"Accept": "application/json, text/event-stream"}
    answer = httpx2.post(outputs["mcpUrl"], json=call, headers=headers, auth=auth)
    assert answer.json()["result"]["serverInfo"]["name"] == "neo4j-mcp"
