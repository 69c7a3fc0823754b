"""The bridge as a desktop agent starts it: a process that speaks MCP on stdin and stdout."""

import asyncio
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
import uvicorn
from mcp import Client, MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from neo4j_mcp_client import ClientCredentials
from neo4j_mcp_client.bridge import explained, innermost
from tests.client.bridge.agent import agent, text_of
from tests.client.command import PROGRAM, Command, command_of
from tests.client.site import Answer, Site, issued, refused
from tests.ports import free_ports

pytestmark = pytest.mark.program

SLOW = "slow"


class Deployed:
    """An MCP server that comes and goes on one port, and notes the tokens that it gets."""

    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self.authorizations: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    @contextmanager
    def up(self) -> Iterator[None]:
        server = uvicorn.Server(
            uvicorn.Config(
                self._application(), host="127.0.0.1", port=self.port, log_level="critical"
            )
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                thread.join(0.01)
            yield
        finally:
            server.should_exit = True
            thread.join(10)

    def _application(self) -> Any:  # noqa: ANN401 - an ASGI application
        async def list_tools(
            _: ServerRequestContext[Any, Any], __: types.PaginatedRequestParams | None
        ) -> types.ListToolsResult:
            return types.ListToolsResult(
                tools=[
                    types.Tool(
                        name="read-cypher",
                        description="Reads.",
                        input_schema={"type": "object", "properties": {"query": {}}},
                        annotations=types.ToolAnnotations(read_only_hint=True),
                    )
                ]
            )

        async def call_tool(
            _: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
        ) -> types.CallToolResult:
            query = (params.arguments or {}).get("query")
            if query == SLOW:
                await asyncio.sleep(1)
            said = f"{params.name}: {query}"
            return types.CallToolResult(content=[types.TextContent(type="text", text=said)])

        application = Server(
            "deployed", on_list_tools=list_tools, on_call_tool=call_tool
        ).streamable_http_app(json_response=True, stateless_http=True)

        async def noting(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own
            headers = dict(scope.get("headers", []))
            if b"authorization" in headers:
                self.authorizations.append(headers[b"authorization"].decode())
            await application(scope, receive, send)

        return noting


@pytest.fixture
def deployed() -> Deployed:
    return Deployed()


def kept_profile(folder: Path, token_url: str, mcp_url: str) -> Command:
    command = command_of(folder)
    credentials = ClientCredentials(
        client_id="client-1", client_secret="hush-hush", token_url=token_url, mcp_url=mcp_url
    )
    kept = command("login", "--credentials", "-", "--no-check", text=credentials.to_json())
    assert kept.status == 0, kept.messages
    return command


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
            (tool,) = (await client.list_tools()).tools
            assert tool.input_schema == {"type": "object", "properties": {"query": {}}}
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
            for number in range(3):
                answer = await client.call_tool("read-cypher", {"query": f"RETURN {number}"})
                assert not answer.is_error
                assert text_of(answer) == f"read-cypher: RETURN {number}"
    assert len(endpoint.requests) == 1
    token = issued(1).body["access_token"]
    assert set(deployed.authorizations) == {f"Bearer {token}"}


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


async def test_a_server_that_goes_away_and_comes_back(
    command: Command, deployed: Deployed, tmp_path: Path
) -> None:
    async def is_away(client: Client) -> None:
        answer = await client.call_tool("read-cypher", {"query": "RETURN 1"})
        assert answer.is_error
        assert f"127.0.0.1:{deployed.port}" in text_of(answer)
        assert "Check the address" in text_of(answer)
        with pytest.raises(MCPError, match=f"host: 127.0.0.1:{deployed.port}"):
            await client.list_tools()

    async def is_there(client: Client) -> None:
        answer = await client.call_tool("read-cypher", {"query": "RETURN 1"})
        assert text_of(answer) == "read-cypher: RETURN 1"
        assert (await client.list_tools()).tools

    async with agent(command, tmp_path) as client:
        await is_away(client)
        for _ in range(2):
            with deployed.up():
                await is_there(client)
            await is_away(client)
    # Agents show this log to people.
    log = (tmp_path / "bridge.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert "eyJ" not in log


async def test_a_token_that_runs_out_in_the_middle_is_renewed(
    command: Command, deployed: Deployed, endpoint: Site, tmp_path: Path
) -> None:
    numbers = iter(range(1, 100))
    endpoint.answer = lambda _: issued(next(numbers), expires_in=1.0)
    with deployed.up():
        async with agent(command, tmp_path) as client:
            for _ in range(4):
                await client.call_tool("read-cypher", {"query": SLOW})
    assert len(set(deployed.authorizations)) == len(endpoint.requests) >= 3


async def test_a_refused_secret_is_told_and_not_shown(
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
            answer = await client.call_tool("read-cypher", {"query": "RETURN 1"})
            assert not answer.is_error
    log = (tmp_path / "bridge.log").read_text(encoding="utf-8")
    assert "hush-hush" not in log


@pytest.mark.parametrize(
    ("status", "says"),
    [(503, "is it paused"), (429, "all its instances are busy"), (401, "capital B")],
)
async def test_what_the_host_answers_instead_is_told(
    endpoint: Site, server: Site, tmp_path: Path, status: int, says: str
) -> None:
    server.answer = lambda _: Answer(
        status=status, body=b"no", headers={"Content-Type": "text/plain"}
    )
    async with agent(kept_profile(tmp_path, endpoint.url, server.url), tmp_path) as client:
        answer = await client.call_tool("read-cypher", {"query": "RETURN 1"})
        assert answer.is_error
        assert f"HTTP {status}" in text_of(answer)
        assert says in text_of(answer)


def test_an_end_of_input_ends_the_bridge(command: Command) -> None:
    ended = command("bridge")
    assert (ended.status, ended.output, ended.messages) == (0, "", "")


def test_ctrl_c_ends_a_bridge_that_waits_for_its_agent(command: Command) -> None:
    initialize = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "0"},
        },
    }
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
        assert bridge.stderr is not None
        bridge.stdin.write(json.dumps(initialize) + "\n")
        bridge.stdin.flush()
        assert json.loads(bridge.stdout.readline())["result"]["serverInfo"]
        bridge.send_signal(signal.SIGINT)
        # A shell makes status 130 of it.
        assert bridge.wait(5) == -signal.SIGINT
        assert bridge.stderr.read() == ""


def test_without_a_profile_the_bridge_says_why_it_ends(tmp_path: Path) -> None:
    ended = command_of(tmp_path)("bridge")
    assert ended.status == 3
    assert "neo4j-mcp login" in ended.messages


@pytest.mark.parametrize("name", ["claude-desktop", "claude-code", "cursor", "vscode"])
def test_a_printed_configuration_starts_this_program_and_holds_no_secret(
    command: Command, name: str
) -> None:
    ended = command("bridge", "--print-config", name)
    assert ended.status == 0
    assert all(word in ended.output for word in (*PROGRAM, "bridge", "--profile", "default"))
    assert "hush-hush" not in ended.output + ended.messages
    assert command("bridge", "--profile", "nobody", "--print-config", name).status == 3


def failure(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


def test_an_error_of_the_server_gets_its_remedy() -> None:
    forbidden = failure("failed: Neo.ClientError.Security.Forbidden (no)")
    said, remedy = explained(forbidden).content
    assert said == forbidden.content[0]
    assert "scope" in remedy.text  # type: ignore[union-attr]  # a text
    right = types.CallToolResult(content=[], is_error=False)
    assert explained(right) is right


def test_the_innermost_exception_of_groups() -> None:
    cause = ValueError("x")
    assert innermost(ExceptionGroup("a", [ExceptionGroup("b", [cause]), OSError()])) is cause
    assert innermost(cause) is cause
