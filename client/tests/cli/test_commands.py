"""The commands against servers with scripted responses and failures."""

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from client.tests.cli.conftest import Run, document
from client.tests.command import PROGRAM, Command, command_of
from client.tests.conftest import CLIENT_SECRET
from client.tests.site import (
    Answer,
    Site,
    failed,
    in_turn,
    issued,
    neo4j_failed,
    refused,
    rows,
)
from neo4j_mcp_client import ClientCredentials
from neo4j_mcp_client.cli.profiles import Profiles

ROWS = ({"name": "Valjean", "n": 1}, {"name": "Cosette", "n": None})


def test_help_and_version(run: Run) -> None:
    assert run("--version").stdout.strip()
    commands = ("login", "profiles", "logout", "token", "tools", "schema", "read", "write")
    for command in (*commands, "call", "bridge", "doctor"):
        shown = run(command, "--help")
        assert shown.exit_code == 0
        assert "Usage: neo4j-mcp" in shown.stdout


@pytest.mark.program
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["profiles", "--json"]])
def test_a_closed_output_ends_a_command_quietly(tmp_path: Path, arguments: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [*PROGRAM, *arguments],
        env=command_of(tmp_path).environment,
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


def test_login_prints_what_it_saves(run: Run, credentials: ClientCredentials) -> None:
    ended = run("login", "--credentials", "-", "--json", text=credentials.to_json())
    assert ended.exit_code == 0
    printed = document(ended)
    assert printed["clientId"] == credentials.client_id
    assert printed["mcpUrl"] == credentials.mcp_url
    assert Path(printed["file"]).exists()
    assert CLIENT_SECRET not in ended.output


def test_a_login_with_a_wrong_secret_keeps_nothing(
    run: Run, credentials: ClientCredentials, endpoint: Site, profiles: Profiles
) -> None:
    endpoint.answer = lambda _: refused("invalid_client")
    ended = run("login", "--credentials", "-", text=credentials.to_json())
    assert ended.exit_code == 4
    assert "invalid_client" in ended.stderr
    assert profiles.names() == []
    unchecked = run("login", "--credentials", "-", "--no-check", text=credentials.to_json())
    assert unchecked.exit_code == 0
    assert profiles.names() == ["default"]


def test_a_login_of_a_disabled_client_says_how_to_enable_it(
    run: Run, credentials: ClientCredentials, endpoint: Site
) -> None:
    endpoint.answer = lambda _: refused("invalid_grant")
    ended = run("login", "--credentials", "-", text=credentials.to_json())
    assert ended.exit_code == 4
    said = " ".join(ended.stderr.split())
    assert "Either the client is disabled, or" in said
    assert "neo4j-mcp:clients.<name>.enabled true" in said


def test_another_login_doesnt_trust_the_token_of_the_one_before(
    logged_in: Run, credentials: ClientCredentials, endpoint: Site
) -> None:
    endpoint.answer = lambda _: refused("invalid_client")
    assert logged_in("login", "--credentials", "-", text=credentials.to_json()).exit_code == 4


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--secret-arn", "arn:x", "--credentials", "-"),
        ("--outputs", "-", "--credentials", "-"),
        ("--outputs", "/nothing/there"),
    ],
)
def test_a_login_with_contradictions_is_a_usage_error(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("login", *arguments).exit_code == 2


def test_profiles_are_listed_and_forgotten(logged_in: Run) -> None:
    (profile,) = document(logged_in("profiles", "--json"))
    assert profile["profile"] == "default"
    assert profile["secret"] == "in the profile"
    assert logged_in("logout").exit_code == 0
    assert document(logged_in("profiles", "--json")) == []
    assert "neo4j-mcp login" in logged_in("profiles").stdout
    again = logged_in("logout")
    assert again.exit_code == 3
    assert "no profile default" in again.stderr


def test_a_missing_profile_is_reported_with_the_login_command(run: Run) -> None:
    ended = run("read", "RETURN 1")
    assert ended.exit_code == 3
    assert "neo4j-mcp login" in ended.stderr


def test_the_environment_speaks_for_a_program(
    run: Run, credentials: ClientCredentials, endpoint: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_MCP_CLIENT_ID", credentials.client_id)
    monkeypatch.setenv("NEO4J_MCP_CLIENT_SECRET", CLIENT_SECRET)
    monkeypatch.setenv("NEO4J_MCP_TOKEN_URL", credentials.token_url)
    monkeypatch.setenv("NEO4J_MCP_URL", credentials.mcp_url)
    assert document(run("read", "RETURN 1")) == [{"answer": 42}]
    assert len(endpoint.requests) == 1


def test_one_token_serves_many_commands(logged_in: Run, endpoint: Site, server: Site) -> None:
    for _ in range(3):
        assert logged_in("read", "RETURN 1").exit_code == 0
    assert len(endpoint.requests) == 1
    assert len({request.authorization for request in server.requests}) == 1


def test_claims_and_the_raw_token(run: Run, credentials: ClientCredentials, endpoint: Site) -> None:
    endpoint.answer = lambda _: issued(7, groups=["reader"], exp=4102444800)
    assert run("login", "--credentials", "-", text=credentials.to_json()).exit_code == 0
    shown = run("token")
    assert "groups" in shown.stdout
    assert "2100-01-01" in shown.stdout
    printed = document(run("token", "--json"))
    assert printed["claims"]["groups"] == ["reader"]
    raw = run("token", "--raw").stdout
    assert raw == issued(7, groups=["reader"], exp=4102444800).body["access_token"] + "\n"
    assert raw.strip() not in shown.stdout
    assert run("token", "--raw", "--json").exit_code == 2


@pytest.mark.parametrize("command", ["read", "write"])
def test_rows_in_every_format(logged_in: Run, server: Site, command: str) -> None:
    server.answer = lambda _: rows(*ROWS)
    assert document(logged_in(command, "RETURN 1", "--json")) == list(ROWS)
    # Standard output is no terminal here.
    assert document(logged_in(command, "RETURN 1")) == list(ROWS)
    lines = logged_in(command, "RETURN 1", "--format", "jsonl").stdout
    assert [json.loads(line) for line in lines.splitlines()] == list(ROWS)
    assert logged_in(command, "RETURN 1", "-f", "csv").stdout == "name,n\nValjean,1\nCosette,\n"
    table = logged_in(command, "RETURN 1", "-f", "table").stdout
    assert "Valjean" in table
    assert "2 rows" in table


def test_no_rows(logged_in: Run, server: Site) -> None:
    server.answer = lambda _: rows()
    assert logged_in("read", "RETURN 1", "--json").stdout == "[]\n"
    assert logged_in("read", "RETURN 1", "-f", "jsonl").stdout == ""
    assert logged_in("read", "RETURN 1", "-f", "csv").stdout == ""
    assert logged_in("read", "RETURN 1", "-f", "table").stdout == "0 rows\n"


def sent(server: Site) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(server.requests[-1].body)
    params: dict[str, Any] = body["params"]
    return params


def test_the_query_comes_from_an_argument_a_file_or_standard_input(
    logged_in: Run, server: Site, tmp_path: Path
) -> None:
    file = tmp_path / "query.cypher"
    file.write_text("RETURN 3", encoding="utf-8")
    for arguments, text, query in (
        (["RETURN 1"], None, "RETURN 1"),
        (["-"], "RETURN 2", "RETURN 2"),
        (["--file", str(file)], None, "RETURN 3"),
    ):
        assert logged_in("read", *arguments, text=text).exit_code == 0
        assert sent(server) == {"name": "read-cypher", "arguments": {"query": query}}
    for arguments in ([], ["RETURN 1", "--file", str(file)], ["--file", str(tmp_path / "no")]):
        assert logged_in("read", *arguments).exit_code == 2


def test_parameters_reach_the_server(logged_in: Run, server: Site) -> None:
    ended = logged_in(
        "write",
        "RETURN $n",
        "--params",
        '{"n": 1, "m": [2]}',
        "--param",
        "n=3",
    )
    assert ended.exit_code == 0
    assert sent(server) == {
        "name": "write-cypher",
        "arguments": {"query": "RETURN $n", "params": {"n": 3, "m": [2]}},
    }


def test_contradicting_formats_are_a_usage_error(logged_in: Run) -> None:
    assert logged_in("read", "RETURN 1", "--json", "-f", "csv").exit_code == 2
    assert logged_in("read", "RETURN 1", "-f", "xml").exit_code == 2


def test_tools(logged_in: Run, server: Site) -> None:
    tool = {
        "name": "read-cypher",
        "description": "\n\t\tReads.",
        "inputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": True},
    }
    server.answer = lambda _: Answer(body={"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool]}})
    (printed,) = document(logged_in("tools", "--json"))
    assert printed["name"] == "read-cypher"
    assert printed["readOnly"] is True
    assert "read-cypher" in logged_in("tools").stdout


def test_schema(logged_in: Run, server: Site) -> None:
    entry = {
        "key": "Character",
        "value": {
            "type": "node",
            "properties": {"name": "STRING"},
            "relationships": {"KNOWS": {"direction": "in", "labels": ["Character"]}},
        },
    }
    server.answer = lambda _: rows(entry)
    assert document(logged_in("schema", "--json")) == [entry]
    assert "← KNOWS Character" in logged_in("schema").stdout
    server.answer = lambda _: Answer(
        body={
            "jsonrpc": "2.0",
            "id": 1,
            "result": {"content": [{"type": "text", "text": "The database is empty"}]},
        }
    )
    assert "empty" in logged_in("schema").stdout


def test_any_tool(logged_in: Run, server: Site) -> None:
    ended = logged_in("call", "some-tool", "--arguments", '{"a": 1}')
    assert document(ended) == [{"answer": 42}]
    assert sent(server) == {"name": "some-tool", "arguments": {"a": 1}}


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (neo4j_failed("Neo.ClientError.Statement.SyntaxError"), 7, "SyntaxError"),
        (neo4j_failed("Neo.ClientError.Security.Forbidden"), 6, "scope"),
        (neo4j_failed("Neo.ClientError.Security.Unauthorized"), 6, "neo4j-mcp doctor"),
        (Answer(status=401, body=b"no"), 6, "capital B"),
        (Answer(status=404, body=b"not found"), 5, "HTTP 404"),
        (failed("something else"), 7, "something else"),
    ],
)
def test_a_failure_is_a_message_and_a_status(
    logged_in: Run, server: Site, answer: Answer, status: int, says: str
) -> None:
    server.answer = lambda _: answer
    ended = logged_in("read", "RETURN 1")
    assert ended.exit_code == status
    assert ended.stdout == ""
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    for_programs = logged_in("read", "RETURN 1", "--json")
    error = json.loads(for_programs.stderr)["error"]
    assert for_programs.exit_code == error["exitCode"] == status
    assert set(error) >= {"type", "hop", "message", "remedy", "mayHaveRun"}


def test_a_write_that_may_have_run_says_so(logged_in: Run, server: Site) -> None:
    server.answer = lambda _: Answer(cut=True)
    ended = logged_in("write", "CREATE ()")
    assert ended.exit_code == 5
    assert "may have been executed" in ended.stderr
    assert len(server.requests) == 1


@pytest.mark.parametrize("options", [(), ("--json",), ("--format", "csv")])
def test_a_lost_value_is_a_warning_next_to_the_rows(
    logged_in: Run, server: Site, options: tuple[str, ...]
) -> None:
    server.answer = lambda _: rows({"born": {}})
    ended = logged_in("read", "RETURN date() AS born", *options)
    assert ended.exit_code == 0
    assert "born" in ended.stdout
    assert "warning" not in ended.stdout
    assert ended.stderr.startswith("warning: `born` may have lost values")
    assert "toString(value)" in ended.stderr


def test_a_parameter_that_would_change_is_a_usage_error(logged_in: Run, server: Site) -> None:
    for number, says in ((str(2**63), "exceeds the 64 bits"), ("0.12345678901234567", "digits")):
        ended = logged_in("read", "RETURN $n", "--param", f"n={number}")
        assert ended.exit_code == 2
        assert says in ended.stderr
        # Lines are wrapped.
        assert "a string" in " ".join(ended.stderr.replace("│", " ").split())
    assert server.requests == []


@pytest.mark.parametrize(
    "last_error",
    [
        (
            "ConnectivityError: Timeout while reading from connection [server-side timeout hint:"
            " 1m0s, user-provided context deadline: N/A]: i/o timeout"
        ),
        "Neo4jError: Neo.ClientError.Transaction.TransactionTimedOut (too long)",
    ],
)
def test_the_databases_time_limit_has_its_status(
    logged_in: Run, server: Site, last_error: str
) -> None:
    server.answer = lambda _: failed(f"failed to execute read query: {last_error}")
    ended = logged_in("read", "MATCH (n) RETURN n", "--json")
    assert ended.exit_code == 8
    assert json.loads(ended.stderr)["error"]["type"] == "TimeLimitError"


def test_a_refused_token_is_renewed_by_the_next_command(
    logged_in: Run, endpoint: Site, server: Site
) -> None:
    server.answer = in_turn(neo4j_failed("Neo.ClientError.Security.TokenExpired"), rows({"a": 1}))
    assert document(logged_in("read", "RETURN 1")) == [{"a": 1}]
    assert len(endpoint.requests) == 2


@pytest.fixture
def process(tmp_path: Path, credentials: ClientCredentials) -> Command:
    """The command as a separate process, logged in."""
    command = command_of(tmp_path)
    ended = command("login", "--credentials", "-", text=credentials.to_json())
    assert ended.status == 0, ended.messages
    return command


@pytest.mark.program
@pytest.mark.parametrize(
    ("words", "count", "offered"),
    [
        ("neo4j-mcp to", 1, {"token", "tools"}),
        ("neo4j-mcp token --profile ", 3, {"default"}),
        ("neo4j-mcp read --format js", 3, {"json", "jsonl"}),
    ],
)
def test_a_shell_completes(process: Command, words: str, count: int, offered: set[str]) -> None:
    completing = {
        "_NEO4J_MCP_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(count),
    }
    completed = Command({**process.environment, **completing})()
    assert set(completed.output.split()) == offered


@pytest.mark.program
def test_a_process_prints_only_rows(process: Command) -> None:
    ended = process("read", "RETURN 1")
    assert ended.status == 0
    assert ended.document == [{"answer": 42}]
    assert ended.messages == ""


@pytest.mark.program
def test_ctrl_c_ends_a_call_at_once_and_quietly(process: Command, server: Site) -> None:
    server.answer = lambda _: Answer(body=rows().body, delay=3.0)
    before = len(server.requests)
    with subprocess.Popen(
        [*PROGRAM, "read", "RETURN 1"],
        env=dict(process.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        deadline = time.monotonic() + 10
        while len(server.requests) == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        output, messages = running.communicate(timeout=2)
    assert running.returncode == 130
    assert output == ""
    assert "Traceback" not in messages


@pytest.mark.program
def test_a_reader_that_goes_away_is_no_crash(process: Command, server: Site) -> None:
    server.answer = lambda _: rows(*({"n": n} for n in range(20_000)))
    with subprocess.Popen(
        [*PROGRAM, "read", "RETURN 1", "-f", "jsonl"],
        env=dict(process.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == '{"n": 0}\n'
        running.stdout.close()
        messages = running.stderr.read()
        assert running.wait(10) == 141
    assert "Traceback" not in messages


def test_the_doctor_shows_each_hop_and_the_remedy(logged_in: Run) -> None:
    shown = logged_in("doctor")
    assert shown.exit_code == 1
    lines = shown.stdout.splitlines()
    assert [line[0] for line in lines[:9]] == list("✓✓✗······")
    assert "service-not-serving: " in shown.stdout
    assert "Where it is set: " in shown.stdout
    assert "How to fix it: " in shown.stdout
    assert CLIENT_SECRET not in shown.output


def test_the_doctor_reports_a_missing_profile(run: Run) -> None:
    ended = run("doctor", "--json")
    assert ended.exit_code == 3
    assert json.loads(ended.stderr)["error"]["type"] == "ConfigurationError"


@pytest.mark.program
def test_a_spinner_on_the_terminal_leaves_the_results_alone(process: Command) -> None:
    terminal, slave = pty.openpty()
    try:
        examined = subprocess.run(
            [*process.program, "doctor"],
            env={**process.environment, "TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=slave,
            text=True,
            timeout=30,
            check=False,
        )
        shown = os.read(terminal, 65536).decode()
    finally:
        os.close(slave)
        os.close(terminal)
    assert examined.stdout.count("not reached") == 6
    assert "Checking configuration" in shown
    assert "not reached" not in shown
