import json
import os
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from functions.server import events
from functions.server.events import Request, Response
from functions.server.handler import (
    HEALTH_EVENT,
    UnhealthyError,
    check_health,
    handle,
    respond,
    server_environment,
)
from functions.server.process import ServerProcess, ServerSettings
from tests.functions.server.conftest import Run, size_in_lambda
from tests.functions.server.test_events import EVENT
from tests.repository import ROOT

CALL = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {}})


def event(target: str = "/mcp", **changes: Any) -> dict[str, Any]:  # noqa: ANN401  any value
    return {**EVENT, "rawPath": target, "rawQueryString": "", "body": CALL, **changes}


def test_the_servers_environment_has_its_settings_and_the_packages_files() -> None:
    function = {
        "NEO4J_MCP_URI": "neo4j+s://a.example",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_LAMBDA_FUNCTION_NAME": "server",
        "PATH": "/bin",
    }

    assert server_environment(function, Path("/var/task")) == {
        "NEO4J_MCP_URI": "neo4j+s://a.example",
        "SSL_CERT_FILE": "/var/task/ca-certificates.crt",
        "ZONEINFO": "/var/task/zoneinfo.zip",
    }


@pytest.mark.program
def test_a_response_is_returned_as_the_server_sent_it(run: Run) -> None:
    result = respond(run(), event())

    assert result["statusCode"] == HTTPStatus.OK
    assert result["headers"]["x-twice"] == "1, 2"
    assert json.loads(result["body"])["body"] == CALL


@pytest.mark.program
def test_the_largest_result_is_returned_and_one_byte_more_is_not(run: Run) -> None:
    server = run()
    overhead = size_in_lambda(respond(server, event("/size/1000"))) - 1000
    fits = events.LARGEST_RESULT - overhead

    assert len(respond(server, event(f"/size/{fits}"))["body"]) == fits
    refused = respond(server, event(f"/size/{fits + 1}"))
    assert json.loads(refused["body"])["result"]["isError"] is True
    assert "has 8.0 MB" in json.loads(refused["body"])["result"]["content"][0]["text"]


@pytest.mark.program
def test_a_call_without_an_answer_says_what_to_do(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    result = respond(run(), event("/close"))

    assert result["statusCode"] == HTTPStatus.GATEWAY_TIMEOUT
    assert "ends a call after 60 s" in result["body"]
    assert "Before repeating a write" in result["body"]
    output = capsys.readouterr().out
    assert "secret-token" not in output
    logged = json.loads(output)
    assert (logged["message"], logged["running"]) == ("no answer", True)


def test_outside_lambda_nothing_is_started() -> None:
    with pytest.raises(RuntimeError, match="AWS_LAMBDA_FUNCTION_NAME isn't set"):
        handle(event(), None)


class Sick(ServerProcess):
    """A server that answers every request with HTTP 503."""

    def send(self, request: Request) -> Response:
        assert (request.method, request.target) == ("GET", "/healthz")
        return Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers=(), body=b"")


def test_the_health_check_of_a_sick_server_fails() -> None:
    with pytest.raises(UnhealthyError, match="HTTP 503"):
        check_health(Sick(ServerSettings(program=Path("x"), environment={})))


@pytest.mark.program
def test_the_health_event_checks_the_servers_health(package: Path) -> None:
    _, answer = handled(package, HEALTH_EVENT).stdout.splitlines()

    assert json.loads(answer) == {"healthy": True}


@pytest.mark.program
def test_a_caller_cannot_send_the_health_event(package: Path) -> None:
    sent = event(body=json.dumps(HEALTH_EVENT))

    _, answer = handled(package, sent).stdout.splitlines()

    assert json.loads(json.loads(answer)["body"])["body"] == sent["body"]


@pytest.mark.program
def test_a_server_that_does_not_start_fails_the_invocation(package: Path) -> None:
    done = handled(package, HEALTH_EVENT, NEO4J_MCP_FAILS="1")

    assert done.returncode != 0
    assert "the server ended with status 1; the log says why" in done.stderr


@pytest.fixture
def package(tmp_path: Path, program: Path) -> Path:
    """The function's package, with a program in place of the server."""
    package = tmp_path / "package"
    folder = package / "functions" / "server"
    folder.mkdir(parents=True)
    for module in (ROOT / "functions" / "server").glob("*.py"):
        (folder / module.name).write_bytes(module.read_bytes())
    (package / "neo4j-mcp-server").write_bytes(program.read_bytes())
    return package


def handled(
    package: Path, sent: dict[str, Any], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Handle an event in the package, as Lambda does, and print the result."""
    script = (
        "import json, sys\n"
        "from functions.server.handler import handle\n"
        "print(json.dumps(handle(json.loads(sys.argv[1]), None)))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", script, json.dumps(sent)],
        cwd=package,
        env={**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "server", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.program
def test_in_lambda_the_server_is_started_with_the_environment(package: Path) -> None:
    started, answer = handled(package, event(), NEO4J_MCP_LOG_LEVEL="info").stdout.splitlines()
    assert json.loads(started)["message"] == "server started"
    environment = json.loads(json.loads(answer)["body"])["environment"]
    assert environment["NEO4J_MCP_LOG_LEVEL"] == "info"
    assert environment["ZONEINFO"] == str(package / "zoneinfo.zip")
    assert "HOME" not in environment
