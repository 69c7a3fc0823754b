"""The installed command and its bridge against the deployed stack, in a fresh environment."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from client.tests.app_clients import new_app_client
from client.tests.bridge.agent import agent, text_of
from client.tests.command import Command, command_of
from client.tests.conftest import ChangeAura, settled
from client.tests.test_distribution import install
from localcloud.cloud import Cloud
from tests.stand_in import Aws

pytestmark = pytest.mark.stand_in

READ = {"query": "RETURN 40 + 2 AS answer"}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The console script, installed as the README says."""
    python = install(tmp_path_factory.mktemp("installed"), "[bridge,doctor,aws]")
    return (str(python.with_name("neo4j-mcp")),)


@pytest.fixture
def command(
    program: tuple[str, ...], running: Cloud, outputs: dict[str, Any], tmp_path: Path
) -> Command:
    command = command_of(tmp_path, running.environment(), program)
    for name, profile in (("reader", "default"), ("writer", "writer")):
        ended = command(
            "login",
            "--outputs",
            "-",
            "--client",
            name,
            "--profile",
            profile,
            text=json.dumps(outputs),
        )
        assert ended.status == 0, ended.messages
    return command


def test_a_secret_is_enough_for_a_login(command: Command, outputs: dict[str, Any]) -> None:
    arn = outputs["clients"]["writer"]["secretArn"]
    kept = command("login", "--secret-arn", arn, "--profile", "by-arn", "--json")
    assert kept.document["clientId"] == outputs["clients"]["writer"]["clientId"]
    shown = command("token", "--profile", "by-arn", "--json")
    assert set(shown.document["claims"]["groups"]) == {"reader", "writer"}
    examined = command("doctor", "--profile", "by-arn", "--json").document
    assert examined["fault"] is None
    statuses = {each["hop"]: each["status"] for each in examined["hops"]}
    # Without the outputs there is nothing to compare with.
    assert {hop for hop in statuses if statuses[hop] == "skipped"} == {
        "discovery and keys",
        "claims",
        "roles",
    }


def test_every_command_works_from_a_fresh_environment(command: Command) -> None:
    assert {each["profile"] for each in command("profiles", "--json").document} == {
        "default",
        "writer",
    }
    assert command("token", "--json").document["claims"]["groups"] == ["reader"]
    assert {each["name"] for each in command("tools", "--json").document} >= {"write-cypher"}
    written = command(
        "write",
        "--profile",
        "writer",
        "--param",
        "name=fresh",
        "MERGE (p:Probe {name: $name}) RETURN p.name AS name",
    )
    assert written.document == [{"name": "fresh"}]
    assert "Probe" in {each["key"] for each in command("schema", "--json").document}
    read = command("read", "-", text="MATCH (p:Probe) RETURN p.name AS name")
    assert read.document == [{"name": "fresh"}]
    refused = command("write", "MATCH (p:Probe) DELETE p")
    assert refused.status == 6
    assert "Neo.ClientError.Security.Forbidden" in refused.messages
    removed = command("write", "--profile", "writer", "MATCH (p:Probe) DELETE p")
    assert removed.status == 0
    assert command("call", "read-cypher", "--arguments", json.dumps(READ)).document == [
        {"answer": 42}
    ]
    assert command("read", "RETURN").status == 7
    examined = command("doctor", "--json")
    assert examined.document["fault"] is None, examined.output
    assert examined.status == 0


async def test_an_agent_uses_the_deployed_database(command: Command, tmp_path: Path) -> None:
    async with agent(command, tmp_path) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names >= {"get-schema", "read-cypher", "write-cypher"}
        answer = await client.call_tool("read-cypher", READ)
        assert json.loads(text_of(answer)) == [{"answer": 42}]
        many = await client.call_tool(
            "read-cypher", {"query": "UNWIND range(1, 20000) AS n RETURN n, date() AS today"}
        )
        rows, *notices = many.content
        assert len(json.loads(text_of(many.model_copy(update={"content": [rows]})))) < 20_000
        said = text_of(many.model_copy(update={"content": notices}))
        assert "of 20,000 rows" in said
        assert "`today` may have lost values" in said
        refused = await client.call_tool("write-cypher", {"query": "CREATE (:Intruder)"})
        assert refused.is_error
        assert "Neo.ClientError.Security.Forbidden" in text_of(refused)
        assert "Use a client with a scope whose role allows it" in text_of(refused)
        with pytest.raises(MCPError, match="not found"):
            await client.call_tool("no-such-tool", {})


@pytest.fixture
def short_lived(
    command: Command,
    outputs: dict[str, Any],
    aws: Aws,
    user_pool: str,
    change_aura: ChangeAura,
) -> Iterator[float]:
    """Log in as a client with tokens that last seconds, and return how many."""
    seconds = 3
    cognito = aws("cognito-idp")
    secret = new_app_client(
        cognito,
        user_pool,
        outputs,
        "short-lived",
        AccessTokenValidity=seconds,
        TokenValidityUnits={"AccessToken": "seconds"},
    )
    change_aura(audience=[*outputs["auraSso"]["audience"], secret["clientId"]])
    assert command("login", "--credentials", "-", text=json.dumps(secret)).status == 0
    yield float(seconds)
    cognito.delete_user_pool_client(UserPoolId=user_pool, ClientId=secret["clientId"])


async def test_a_session_outlives_its_tokens(
    command: Command, short_lived: float, tmp_path: Path
) -> None:
    tokens = tmp_path / "cache" / "neo4j-mcp" / "tokens" / "default.json"
    seen: set[str] = set()
    async with agent(command, tmp_path) as client, asyncio.timeout(20 * short_lived):
        while len(seen) < 3:
            answer = await client.call_tool("read-cypher", READ)
            assert json.loads(text_of(answer)) == [{"answer": 42}]
            seen.add(tokens.read_text(encoding="utf-8"))
            await asyncio.sleep(0.2)


async def test_a_session_outlives_a_pause_of_the_service(
    command: Command, aws: Aws, service_arn: str, tmp_path: Path
) -> None:
    apprunner = aws("apprunner")
    async with agent(command, tmp_path) as client:
        assert not (await client.call_tool("read-cypher", READ)).is_error
        apprunner.pause_service(ServiceArn=service_arn)
        try:
            await asyncio.to_thread(settled, apprunner, service_arn, "PAUSED")
            away = await client.call_tool("read-cypher", READ)
            assert away.is_error
            assert "HTTP 503" in text_of(away)
            assert "may be paused" in text_of(away)
            assert "may have been executed" not in text_of(away)
            # Those that it served last.
            assert "read-cypher" in {tool.name for tool in (await client.list_tools()).tools}
        finally:
            apprunner.resume_service(ServiceArn=service_arn)
            await asyncio.to_thread(settled, apprunner, service_arn, "RUNNING")
        answer = await client.call_tool("read-cypher", READ)
        assert json.loads(text_of(answer)) == [{"answer": 42}]
