"""Output in any encoding, and to readers that exit."""

import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from client.tests.cli.conftest import Run
from client.tests.command import PROGRAM, Command, command_of
from client.tests.site import Answer, Request, Site, rows
from neo4j_mcp_client import ClientCredentials
from neo4j_mcp_client.cli.profiles import Profile, Profiles
from neo4j_mcp_client.cli.rows import json_text
from neo4j_mcp_client.cli.streams import can_encode

NAME = "Łódź ✓ \U0001f600"
ENCODINGS = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ASCII": {"PYTHONIOENCODING": "ascii"},
    "the C locale": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:[bold]reader:secret:x"


def answer(request: Request) -> Answer:
    """Answer every request of the commands with text that few encodings have."""
    body = json.loads(request.body)
    if body["method"] == "tools/list":
        tool = {"name": "read-cypher", "description": NAME}
        return Answer(body={"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool]}})
    if body["params"]["name"] == "get-schema":
        knows = {"direction": "out", "labels": [NAME]}
        value = {"type": "node", "properties": {NAME: "STRING"}, "relationships": {"IN": knows}}
        return rows({"key": NAME, "value": value})
    return rows({"v": NAME})


@pytest.fixture
def process(tmp_path: Path, credentials: ClientCredentials, server: Site) -> Command:
    profiles = Profiles(tmp_path / "config" / "neo4j-mcp" / "profiles")
    profiles.save(Profile(name="default", credentials=credentials))
    server.answer = answer
    return command_of(tmp_path)


def in_encoding(process: Command, variables: dict[str, str], *arguments: str) -> tuple[int, bytes]:
    """Run a command with its output in a file, and return the bytes."""
    ended = subprocess.run(
        [*process.program, *arguments],
        env={**process.environment, **variables},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, ended.stdout


@pytest.mark.program
@pytest.mark.parametrize("variables", ENCODINGS.values(), ids=ENCODINGS)
def test_json_is_the_same_in_every_encoding(process: Command, variables: dict[str, str]) -> None:
    status, written = in_encoding(process, variables, "read", "RETURN 1", "--format", "json")
    assert (status, json.loads(written.decode("ascii"))) == (0, [{"v": NAME}])


@pytest.mark.program
@pytest.mark.parametrize(
    ("arguments", "shows"),
    [
        (["read", "RETURN 1", "-f", "csv"], "v\n{}\n"),
        (["read", "RETURN 1", "-f", "table"], "| {} |"),
        (["tools"], "{}"),
        (["schema"], "-> IN {}"),
    ],
    ids=["csv", "table", "tools", "schema"],
)
def test_characters_missing_in_an_encoding_are_escaped(
    process: Command, arguments: list[str], shows: str
) -> None:
    status, written = in_encoding(process, ENCODINGS["cp1252"], *arguments)
    assert status == 0
    assert shows.format("\\u0141ód\\u017a \\u2713 \\U0001f600") in written.decode("cp1252")


@pytest.mark.program
def test_the_doctor_has_marks_in_every_encoding(process: Command) -> None:
    status, written = in_encoding(process, ENCODINGS["cp1252"], "doctor")
    assert status == 1
    assert [line[:1] for line in written.splitlines()[:9]] == list(map(str.encode, "++x......"))


@pytest.mark.program
def test_a_message_in_every_encoding(process: Command) -> None:
    status, _ = in_encoding(process, ENCODINGS["cp1252"], "read", "RETURN 1", "--profile", "✓")
    assert status == 3


@pytest.mark.program
@pytest.mark.parametrize(
    ("form", "count"), [("json", 1), ("csv", 20_000), ("table", 1), ("table", 500)]
)
def test_a_reader_that_goes_away_ends_the_command_quietly(
    process: Command, server: Site, form: str, count: int
) -> None:
    server.answer = lambda _: rows(*({"n": n} for n in range(count)))
    reading, writing = os.pipe()
    # Nobody reads from the beginning, so even one line is too much.
    os.close(reading)
    with os.fdopen(writing, "wb") as output:
        ended = subprocess.run(
            [*PROGRAM, "read", "RETURN 1", "-f", form],
            env=dict(process.environment),
            stdout=output,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.program
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this platform has no /dev/full")
@pytest.mark.parametrize("count", [1, 20_000])
def test_a_full_disk_is_a_message(process: Command, server: Site, count: int) -> None:
    server.answer = lambda _: rows(*({"n": n} for n in range(count)))
    with Path("/dev/full").open("wb") as output:
        ended = subprocess.run(
            [*PROGRAM, "read", "RETURN 1"],
            env=dict(process.environment),
            stdout=output,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    said = b"error: standard output can't be used: No space left on device.\n"
    assert (ended.returncode, ended.stderr) == (9, said)


@pytest.mark.program
def test_closed_standard_streams_are_no_crash(process: Command) -> None:
    ended = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&-', "sh", *PROGRAM, "read", "-"],
        env=dict(process.environment),
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "utf-16"])
@pytest.mark.parametrize("value", [NAME, "é", "plain", "\ud800", {"Ł": ["✓"]}])
def test_json_comes_back_from_every_encoding(value: Any, encoding: str) -> None:  # noqa: ANN401 - any JSON
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    text = json_text(value, stream)
    assert can_encode(text, stream)
    assert json.loads(text.encode(encoding).decode(encoding)) == value


def test_text_from_outside_is_no_markup(
    run: Run,
    credentials: ClientCredentials,
    server: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    markup = "[bold]:secret: [red]x[/red] \\[/]"
    outputs = {"clients": {"reader": {"secretArn": ARN}}, "mcpUrl": server.url}
    (tmp_path / "outputs.json").write_text(json.dumps(outputs), encoding="utf-8")
    login = run("login", "--outputs", str(tmp_path / "outputs.json"), "--no-check", "-p", "arn")
    assert login.exit_code == 0
    monkeypatch.setenv("COLUMNS", "200")
    assert ARN in run("profiles").stdout
    named = run("login", "--credentials", "-", "--client", ":secret:", text=credentials.to_json())
    assert named.exit_code == 0
    server.answer = lambda _: rows({markup: markup})
    assert run("read", "RETURN 1", "-f", "table").stdout.count(markup) == 2
    server.answer = lambda _: Answer(status=418, body=markup.encode())
    assert markup in run("read", "RETURN 1").stderr
    usage = run("read", "RETURN 1", "--param", ":secret:[bold]")
    assert ":secret:[bold]" in usage.stderr


def test_a_login_shows_addresses_as_they_are(
    run: Run, credentials: ClientCredentials, endpoint: Site
) -> None:
    document = json.loads(credentials.to_json()) | {"clientId": "a:secret:[red]b\x1b[2J"}
    shown = run("login", "--credentials", "-", text=json.dumps(document))
    assert shown.exit_code == 0
    assert "a:secret:[red]b\\x1b[2J" in shown.stdout
    assert len(endpoint.requests) == 1
