import contextlib
import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from functions.server.events import Request
from functions.server.process import NoAnswerError, ServerProcess, ServerStartError, executable
from tests.functions.server.conftest import Run
from tests.repository import ROOT

pytestmark = pytest.mark.program


def ask(server: ServerProcess, target: str = "/mcp", **changes: Any) -> dict[str, Any]:  # noqa: ANN401  any value
    plain = Request(method="POST", target=target, headers=(), body=b"")
    request = dataclasses.replace(plain, **changes)
    answer: dict[str, Any] = json.loads(server.send(request).body)
    return answer


def test_a_request_arrives_unchanged(run: Run) -> None:
    headers = (("authorization", "Bearer t"), ("accept", "a, b"), ("x-forwarded-for", "192.0.2.1"))

    answer = ask(run(), "/mcp?a=%2F&a", headers=headers, body=b"\x00\xff")

    assert (answer["method"], answer["target"]) == ("POST", "/mcp?a=%2F&a")
    assert answer["body"] == "\x00\xff"
    received = {name.lower(): value for name, value in answer["headers"]}
    host = received.pop("host")
    assert host.startswith("127.0.0.1:")
    assert received == {**dict(headers), "content-length": "2"}


def test_equal_headers_of_a_response_are_kept(run: Run) -> None:
    request = Request(method="GET", target="/mcp", headers=(), body=b"")

    response = run().send(request)

    assert [value for name, value in response.headers if name == "x-twice"] == ["1", "2"]


def test_one_process_serves_all_requests(run: Run) -> None:
    server = run()

    assert server.start() is True
    assert server.start() is False
    assert ask(server)["pid"] == ask(server)["pid"] == server.pid


def test_the_server_gets_its_own_environment_only(run: Run) -> None:
    environment = ask(run(NEO4J_MCP_URI="bolt+s://a"))["environment"]

    # Python sets LC_CTYPE itself.
    assert set(environment) - {"LC_CTYPE"} == {
        "NEO4J_MCP_URI",
        "NEO4J_MCP_HTTP_HOST",
        "NEO4J_MCP_HTTP_PORT",
    }


def test_a_server_that_has_ended_is_started_again(run: Run) -> None:
    server = run()
    first = ask(server)["pid"]
    with pytest.raises(NoAnswerError):
        ask(server, "/exit")
    # Otherwise it is still ending.
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)

    assert ask(server)["pid"] != first


def test_a_killed_server_is_started_again(run: Run) -> None:
    server = run()
    first = ask(server)["pid"]
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)

    assert ask(server)["pid"] != first


@pytest.mark.parametrize("target", ["/close", "/hang"])
def test_a_call_without_an_answer_fails_and_is_not_repeated(run: Run, target: str) -> None:
    server = run(answer_seconds=0.5)
    server.start()

    with pytest.raises(NoAnswerError):
        ask(server, target)


def test_an_answer_before_the_whole_body_was_read_is_returned(run: Run) -> None:
    large = Request(method="POST", target="/unread", headers=(), body=b"a" * 8_000_000)

    assert run().send(large).status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_a_server_that_ends_at_once_is_reported(run: Run) -> None:
    with pytest.raises(ServerStartError, match=r"ended with status 1; the log says why"):
        run(NEO4J_MCP_FAILS="1").start()


def test_a_server_that_does_not_answer_is_ended_and_reported(run: Run) -> None:
    server = run(start_seconds=0.3, NEO4J_MCP_SILENT="1")

    with pytest.raises(ServerStartError, match=r"didn't answer within 0\.3 s"):
        server.start()
    assert server.pid is None


def test_a_file_without_the_mode_to_execute_is_copied(program: Path) -> None:
    assert executable(program) == str(program)
    program.chmod(0o644)

    copy = Path(executable(program))

    assert copy != program
    assert copy.read_bytes() == program.read_bytes()
    assert os.access(copy, os.X_OK)


def test_the_server_ends_with_its_parent(program: Path) -> None:
    script = (
        "import pathlib, sys, time\n"
        "from functions.server.process import ServerProcess, ServerSettings\n"
        "settings = ServerSettings(program=pathlib.Path(sys.argv[1]), environment={})\n"
        "server = ServerProcess(settings)\n"
        "server.start()\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(program)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        descriptor = os.pidfd_open(server)
        parent.kill()
        parent.wait(10)
    try:
        assert ended(descriptor), "the server outlived its parent"
    finally:
        os.close(descriptor)


def ended(descriptor: int) -> bool:
    """Wait for the end of a process."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(10_000))
