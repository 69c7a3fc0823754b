"""The bridge as a desktop agent starts it: a process that speaks MCP on stdin and stdout."""

import asyncio
import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from mcp import Client, MCPError
from mcp.shared.subscriptions import ToolsListChanged

from client.tests.bridge.agent import agent, text_of
from client.tests.bridge.deployed import HANGS, SLOW, Deployed, tool
from client.tests.command import PROGRAM, Command, command_of
from client.tests.site import Answer, Request, Site, issued, refused
from neo4j_mcp_client import ClientCredentials, FixedCredentials
from neo4j_mcp_client.async_client import AsyncNeo4jMcp
from neo4j_mcp_client.bridge.catalogue import KnownServers, release_catalogue
from neo4j_mcp_client.bridge.server import Bridge
from neo4j_mcp_client.bridge.upstream import Target, Upstream
from neo4j_mcp_client.cli.profiles import DEFAULT, Profile, Profiles

pytestmark = pytest.mark.program


@pytest.fixture
def deployed() -> Deployed:
    return Deployed()


def kept_profile(folder: Path, token_url: str, mcp_url: str) -> Command:
    """Log a person in, without a process for it."""
    credentials = ClientCredentials(
        client_id="client-1", client_secret="hush-hush", token_url=token_url, mcp_url=mcp_url
    )
    Profiles(profile_of(folder).parent).save(Profile(name=DEFAULT, credentials=credentials))
    return command_of(folder)


def profile_of(folder: Path) -> Path:
    return folder / "config" / "neo4j-mcp" / "profiles" / "default.json"


@pytest.fixture
def command(endpoint: Site, deployed: Deployed, tmp_path: Path) -> Command:
    return kept_profile(tmp_path, endpoint.url, deployed.url)


async def test_tools_and_calls_pass_through_as_they_are(
    command: Command, deployed: Deployed, endpoint: Site, tmp_path: Path
) -> None:
    with deployed.up():
        async with agent(command, tmp_path) as client:
            assert client.server_info is not None
            assert client.server_info.name == "neo4j-mcp"
            (listed,) = (await client.list_tools()).tools
            assert listed.input_schema == {"type": "object", "properties": {"query": {}}}
            assert listed.annotations is not None
            assert listed.annotations.read_only_hint
            for number in range(3):
                answer = await client.call_tool("read-cypher", {"query": f"RETURN {number}"})
                assert not answer.is_error
                assert text_of(answer) == f"read-cypher: RETURN {number}"
    assert len(endpoint.requests) == 1
    token = issued(1).body["access_token"]
    assert deployed.authorizations == {f"Bearer {token}"}
    # One POST for each call; the list comes with what the server says of itself.
    assert deployed.methods == ["initialize", "tools/list", *["tools/call"] * 3]
    assert {post.headers["mcp-protocol-version"] for post in deployed.posts} == {"2025-11-25"}


async def test_calls_of_an_agent_run_side_by_side(
    command: Command, deployed: Deployed, tmp_path: Path
) -> None:
    with deployed.up():
        async with agent(command, tmp_path) as client:
            slow = asyncio.create_task(client.call_tool("read-cypher", {"query": SLOW}))
            await asyncio.sleep(0)
            await client.call_tool("read-cypher", {"query": "quick"})
            assert not slow.done()
            assert text_of(await slow) == "read-cypher: slow"


async def test_a_token_that_runs_out_in_the_middle_is_renewed(
    command: Command, deployed: Deployed, endpoint: Site, tmp_path: Path
) -> None:
    numbers = iter(range(1, 100))
    endpoint.answer = lambda _: issued(next(numbers), expires_in=1.0)
    with deployed.up():
        async with agent(command, tmp_path) as client:
            for _ in range(4):
                await client.call_tool("read-cypher", {"query": SLOW})
    assert len(deployed.authorizations) == len(endpoint.requests) >= 3


async def test_a_refused_secret_is_reported_and_not_shown(
    command: Command, deployed: Deployed, endpoint: Site, tmp_path: Path
) -> None:
    endpoint.answer = lambda _: refused("invalid_client")
    with deployed.up():
        async with agent(command, tmp_path) as client:
            answer = await client.call_tool("read-cypher", {"query": "RETURN 1"})
            assert answer.is_error
            assert "token endpoint" in text_of(answer)
            assert "Read the client's secret again" in text_of(answer)
            assert "hush-hush" not in text_of(answer)
            endpoint.answer = lambda _: issued(2)
            # The bridge requests a token at its start too. A call that shares that request shares
            # its refusal; the next call makes a request itself.
            await client.call_tool("read-cypher", {"query": "RETURN 1"})
            answer = await client.call_tool("read-cypher", {"query": "RETURN 1"})
            assert not answer.is_error
    log = (tmp_path / "bridge.log").read_text(encoding="utf-8")
    assert "hush-hush" not in log


async def test_the_hosts_own_response_is_reported(
    endpoint: Site, server: Site, tmp_path: Path
) -> None:
    async with agent(kept_profile(tmp_path, endpoint.url, server.url), tmp_path) as client:
        for status, expected in (
            (503, "it may be paused"),
            (429, "All instances are busy"),
            (401, "capital B"),
        ):
            answer = Answer(status=status, body=b"no", headers={"Content-Type": "text/plain"})
            server.answer = lambda _, answer=answer: answer  # type: ignore[misc]  # bound
            result = await client.call_tool("write-cypher", {"query": "RETURN 1"})
            assert result.is_error
            assert f"HTTP {status}" in text_of(result)
            assert expected in text_of(result)


async def test_a_result_is_forwarded_unchanged(
    command: Command, deployed: Deployed, tmp_path: Path
) -> None:
    deployed.results["all"] = types.CallToolResult(
        content=[
            types.TextContent(type="text", text="one"),
            types.ImageContent(type="image", data="YWJj", mime_type="image/png"),
        ],
        structured_content={"rows": [1, 2]},
        _meta={"of": "the server"},
    )
    deployed.results["fails"] = types.CallToolResult(
        content=[
            types.TextContent(
                type="text", text="Neo4jError: Neo.ClientError.Security.Forbidden (no)"
            ),
            types.ImageContent(type="image", data="YWJj", mime_type="image/png"),
        ],
        is_error=True,
    )
    with deployed.up():
        async with agent(command, tmp_path) as client:
            answer = await client.call_tool("read-cypher", {"query": "all"})
            assert answer == deployed.results["all"]
            failed = await client.call_tool("read-cypher", {"query": "fails"})
            assert failed.is_error
            *own, remedy = failed.content
            assert own == deployed.results["fails"].content
            assert isinstance(remedy, types.TextContent)
            assert "scope" in remedy.text


async def test_a_cancelled_call_leaves_the_server(
    command: Command, deployed: Deployed, tmp_path: Path
) -> None:
    with deployed.up():
        async with agent(command, tmp_path) as client:
            call = asyncio.create_task(client.call_tool("read-cypher", {"query": HANGS}))
            assert await asyncio.to_thread(deployed.hanging.wait, 20)
            call.cancel()
            assert await asyncio.to_thread(deployed.left.wait, 10)
            answer = await client.call_tool("read-cypher", {"query": "RETURN 1"})
            assert text_of(answer) == "read-cypher: RETURN 1"


async def test_an_agent_that_wants_progress_gets_it(
    deployed: Deployed, endpoint: Site, tmp_path: Path
) -> None:
    credentials = FixedCredentials(
        ClientCredentials(
            client_id="c", client_secret="s", token_url=endpoint.url, mcp_url=deployed.url
        )
    )
    target = Target(
        names=(), connect=lambda: AsyncNeo4jMcp.from_source(credentials), doctor_command="doctor"
    )
    bridge = Bridge(
        Upstream(target), KnownServers(tmp_path / "known"), max_characters=0, progress_interval=0.1
    )
    seen: list[float] = []

    async def note(
        progress: float,
        total: float | None,  # noqa: ARG001 - the SDK's own parameters
        message: str | None,  # noqa: ARG001 - the SDK's own parameters
    ) -> None:
        seen.append(progress)

    with deployed.up():
        async with Client(bridge.server(), mode="legacy") as client:
            await client.call_tool("read-cypher", {"query": SLOW}, progress_callback=note)
    assert len(seen) >= 3
    assert seen == sorted(seen)


async def test_a_bridge_without_its_server_serves_the_tools_of_the_release(
    command: Command, deployed: Deployed, tmp_path: Path
) -> None:
    async with agent(command, tmp_path) as client:
        assert client.server_capabilities.tools is not None
        assert client.server_capabilities.tools.list_changed
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == [tool["name"] for tool in release_catalogue().tools]
        away = await client.call_tool("write-cypher", {"query": "CREATE ()"})
        assert away.is_error
        assert f"host: 127.0.0.1:{deployed.port}" in text_of(away)
        assert "Check the address" in text_of(away)
        assert "neo4j-mcp doctor" in text_of(away)
        # Nothing was sent.
        assert "may have been executed" not in text_of(away)
        assert not client.tools_changed.is_set()
        with deployed.up():
            await asyncio.wait_for(client.tools_changed.wait(), 60)
            (only,) = (await client.list_tools()).tools
            assert only.name == "read-cypher"
            answer = await client.call_tool("read-cypher", {"query": "RETURN 1"})
            assert text_of(answer) == "read-cypher: RETURN 1"
        client.tools_changed.clear()
        assert (await client.call_tool("read-cypher", {"query": "RETURN 1"})).is_error
        deployed.tools = [*deployed.tools, tool("list-gds-procedures")]
        with deployed.up():
            await asyncio.wait_for(client.tools_changed.wait(), 60)
    # Agents show this log to people.
    log = (tmp_path / "bridge.log").read_text(encoding="utf-8")
    assert "Serving the last known tools" in log
    assert "Traceback" not in log
    assert "eyJ" not in log
    # The next one begins with what this one has seen.
    async with agent(command, tmp_path) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["read-cypher", "list-gds-procedures"]
        assert client.instructions is not None
        assert client.instructions.endswith("Upstream says hello.")
    known = [*(tmp_path / "cache" / "neo4j-mcp" / "servers").iterdir()]
    assert known
    assert all(path.stat().st_mode & 0o077 == 0 for path in known)
    assert not any("hush" in path.read_text(encoding="utf-8") for path in known)


async def test_an_agent_of_the_next_protocol_is_notified_of_changed_tools(
    command: Command, deployed: Deployed, tmp_path: Path
) -> None:
    async with agent(command, tmp_path, mode="auto") as client:
        assert client.protocol_version == "2026-07-28"
        async with client.listen(tools_list_changed=True) as changes:
            assert len((await client.list_tools()).tools) == len(release_catalogue().tools)
            with deployed.up():
                change = await asyncio.wait_for(anext(changes), 60)
                assert isinstance(change, ToolsListChanged)


async def test_a_tool_that_the_server_lost_is_no_longer_listed(
    command: Command, deployed: Deployed, tmp_path: Path
) -> None:
    with deployed.up():
        async with agent(command, tmp_path) as client:
            await client.list_tools()
            deployed.results["gone"] = types.CallToolResult(content=[])
            deployed.tools = []
            deployed.refuse = "tool 'read-cypher' not found: tool not found"
            with pytest.raises(MCPError, match="tool not found") as raised:
                await client.call_tool("read-cypher", {"query": "RETURN 1"})
            assert raised.value.error.code == -32602
            await asyncio.wait_for(client.tools_changed.wait(), 60)
            assert (await client.list_tools()).tools == []


async def test_only_calls_that_may_have_written_may_have_run(
    endpoint: Site, server: Site, tmp_path: Path
) -> None:
    server.answer = lambda _: Answer(cut=True)
    async with agent(kept_profile(tmp_path, endpoint.url, server.url), tmp_path) as client:
        for name, says in (("write-cypher", True), ("read-cypher", False), ("some-tool", True)):
            answer = await client.call_tool(name, {"query": "MATCH (n) SET n.x = 1"})
            assert answer.is_error
            assert ("may have been executed" in text_of(answer)) is says


def with_expired_aws_session(folder: Path) -> Command:
    configuration = folder / ".aws" / "config"
    configuration.parent.mkdir()
    configuration.write_text(
        "[profile work]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = dev\n"
        "region = us-east-1\n[sso-session corp]\nsso_region = us-east-1\n"
        "sso_start_url = https://corp.example/start\n"
        "sso_registration_scopes = sso:account:access\n",
        encoding="utf-8",
    )
    command = command_of(folder)
    arn = "arn:aws:secretsmanager:us-east-1:111111111111:secret:reader"
    Profiles(profile_of(folder).parent).save(
        Profile(name=DEFAULT, secret_arn=arn, aws_profile="work")
    )
    return command


def readable_by_others(folder: Path) -> Command:
    command = kept_profile(folder, "https://token.example/", "https://server.example/mcp")
    profile_of(folder).chmod(0o644)
    return command


def damaged(folder: Path) -> Command:
    command = kept_profile(folder, "https://token.example/", "https://server.example/mcp")
    profile_of(folder).write_text("{", encoding="utf-8")
    return command


def with_a_missing_bundle(folder: Path) -> Command:
    command = kept_profile(folder, "https://token.example/", "https://server.example/mcp")
    bundle = {"REQUESTS_CA_BUNDLE": str(folder / "nowhere.pem")}
    return Command(environment={**command.environment, **bundle})


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (command_of, "neo4j-mcp login"),
        (with_expired_aws_session, "aws sso login --profile work"),
        (readable_by_others, "chmod 600"),
        (damaged, "log in again"),
        (with_a_missing_bundle, "nowhere.pem"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_whatever_is_broken_the_bridge_answers_and_says_it(
    tmp_path: Path, broken: Callable[[Path], Command], says: str
) -> None:
    async with agent(broken(tmp_path), tmp_path) as client:
        assert client.server_info is not None
        assert (await client.list_tools()).tools
        answer = await client.call_tool("read-cypher", {"query": "RETURN 1"})
        assert answer.is_error
        assert says in text_of(answer)
        assert "neo4j-mcp doctor" in text_of(answer)
    log = (tmp_path / "bridge.log").read_text(encoding="utf-8")
    assert "Traceback" not in log


async def test_a_fixed_problem_needs_no_restart(
    endpoint: Site, deployed: Deployed, tmp_path: Path
) -> None:
    command = command_of(tmp_path)
    with deployed.up():
        async with agent(command, tmp_path) as client:
            assert (await client.call_tool("read-cypher", {"query": "RETURN 1"})).is_error
            kept_profile(tmp_path, endpoint.url, deployed.url)
            answer = await client.call_tool("read-cypher", {"query": "RETURN 1"})
            assert text_of(answer) == "read-cypher: RETURN 1"


def rows_result(*rows: dict[str, Any]) -> types.CallToolResult:
    text = json.dumps(list(rows), indent=2)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)])


async def test_a_long_result_is_cut_and_says_so(
    command: Command, deployed: Deployed, tmp_path: Path
) -> None:
    deployed.results["many"] = rows_result(*({"name": f"person {n}"} for n in range(20_000)))
    deployed.results["dates"] = rows_result({"born": {}})
    with deployed.up():
        async with agent(command, tmp_path) as client:
            cut, notice = (await client.call_tool("read-cypher", {"query": "many"})).content
            assert isinstance(cut, types.TextContent)
            assert isinstance(notice, types.TextContent)
            assert len(cut.text) <= 40_000
            assert json.loads(cut.text)[-1] == {"name": f"person {len(json.loads(cut.text)) - 1}"}
            assert f"{len(json.loads(cut.text)):,} of 20,000 rows" in notice.text
            lost = await client.call_tool("read-cypher", {"query": "dates"})
            assert "`born` may have lost values" in text_of(lost)
            assert client.instructions is not None
            assert all(word in client.instructions for word in ("LIMIT", "toString", "vectors"))
            assert "40,000 characters" in client.instructions
        async with agent(command, tmp_path, "--max-characters", "0") as client:
            whole = await client.call_tool("read-cypher", {"query": "many"})
            assert whole == deployed.results["many"]
        limited = Command(environment={**command.environment, "NEO4J_MCP_MAX_CHARACTERS": "500"})
        async with agent(limited, tmp_path) as client:
            cut, _ = (await client.call_tool("read-cypher", {"query": "many"})).content
            assert isinstance(cut, types.TextContent)
            assert len(cut.text) <= 500


async def test_a_parameter_that_would_change_is_not_sent(
    command: Command, deployed: Deployed, tmp_path: Path
) -> None:
    with deployed.up():
        async with agent(command, tmp_path) as client:
            answer = await client.call_tool(
                "read-cypher", {"query": "RETURN $n", "params": {"n": 2**63}}
            )
            assert answer.is_error
            assert "64 bits" in text_of(answer)
            assert "Pass the value as a string" in text_of(answer)
    assert "tools/call" not in deployed.methods


def test_an_end_of_input_ends_the_bridge(command: Command) -> None:
    ended = command("bridge")
    assert (ended.status, ended.output, ended.messages) == (0, "", "")


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    },
}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


def test_standard_output_holds_nothing_but_messages(command: Command) -> None:
    lines = [json.dumps(INITIALIZE), "no json", '{"jsonrpc": "1.0"}', "", json.dumps(LIST)]
    ended = command("bridge", text="\n".join(lines) + "\n")
    assert ended.status == 0
    written = [json.loads(line) for line in ended.output.splitlines()]
    assert written[0]["result"]["serverInfo"]["name"] == "neo4j-mcp"
    assert all(each["jsonrpc"] == "2.0" for each in written)


@contextmanager
def started(command: Command) -> Iterator[subprocess.Popen[str]]:
    """Start a bridge process, and yield it after its response to `initialize`."""
    with subprocess.Popen(
        [*command.program, "bridge"],
        env=dict(command.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as bridge:
        assert bridge.stdin is not None
        assert bridge.stdout is not None
        bridge.stdin.write(json.dumps(INITIALIZE) + "\n")
        bridge.stdin.flush()
        assert json.loads(bridge.stdout.readline())["result"]["serverInfo"]
        yield bridge


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_bridge_that_waits_for_its_agent(command: Command, number: int) -> None:
    with started(command) as bridge:
        bridge.send_signal(number)
        # A shell makes status 128 and the signal's number of it.
        assert bridge.wait(5) == -number
        assert bridge.stderr is not None
        assert bridge.stderr.read() == ""


def test_a_bridge_exits_with_its_input_even_if_the_token_endpoint_hangs(
    endpoint: Site, tmp_path: Path
) -> None:
    asked, released = threading.Event(), threading.Event()

    def hang(_: Request) -> Answer:
        asked.set()
        released.wait(60)
        return issued(1)

    endpoint.answer = hang
    with started(kept_profile(tmp_path, endpoint.url, "http://127.0.0.1:9/mcp")) as bridge:
        assert bridge.stdin is not None
        bridge.stdin.write(json.dumps(LIST) + "\n")
        bridge.stdin.flush()
        assert asked.wait(20)
        bridge.stdin.close()
        try:
            # While the endpoint still holds its answer back.
            assert bridge.wait(20) == 0
        finally:
            released.set()


@pytest.mark.parametrize("name", ["claude-desktop", "claude-code", "cursor", "vscode"])
def test_a_printed_configuration_starts_this_program_and_holds_no_secret(
    command: Command, name: str
) -> None:
    ended = command("bridge", "--print-config", name)
    assert ended.status == 0
    assert all(word in ended.output for word in (*PROGRAM, "bridge", "--profile", "default"))
    assert "hush-hush" not in ended.output + ended.messages


def test_a_printed_configuration_keeps_the_options(command: Command, tmp_path: Path) -> None:
    options = ("--max-characters", "500", "--ca-bundle", str(tmp_path / "corp.pem"))
    chosen = command("bridge", *options, "--print-config", "claude-code")
    assert " ".join(["bridge --profile default --ca-bundle", options[3], *options[:2]]) in (
        chosen.output
    )
    assert command("bridge", "--profile", "nobody", "--print-config", "cursor").status == 3
