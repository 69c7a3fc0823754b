"""The engine as a child process: out of the terminal's reach, and interrupted in order."""

import os
import signal
import threading
from pathlib import Path

import pytest
from pulumi import automation

from automation.engine import EngineCommand

pytestmark = pytest.mark.program

_ENGINE = """#!/bin/sh
case "$*" in
version) echo v3.274.1 ;;
*fail*) echo "error: no stack named 'x' found" >&2; exit 255 ;;
*up*)
    trap 'echo "state written" >"$RESULT"; exit 255' INT
    ps -o pgid= -p $$ >"$READY"
    while :; do sleep 0.05; done ;;
*) echo "$*"; echo "$PATH" ;;
esac
"""


@pytest.fixture
def command(tmp_path: Path) -> EngineCommand:
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(_ENGINE, encoding="utf-8")
    program.chmod(0o755)
    return EngineCommand(root=str(tmp_path))


def test_a_command_runs_without_prompts(command: EngineCommand, tmp_path: Path) -> None:
    lines: list[str] = []
    done = command.run(["stack", "ls"], str(tmp_path), {}, on_output=lines.append)
    assert done.stdout.splitlines() == lines
    assert lines[0] == "--non-interactive stack ls"
    assert lines[1].startswith(f"{tmp_path / 'bin'}{os.pathsep}")


def test_a_failure_raises_the_automation_apis_error(command: EngineCommand, tmp_path: Path) -> None:
    with pytest.raises(automation.StackNotFoundError):
        command.run(["fail"], str(tmp_path), {})


def test_an_interrupted_engine_gets_one_signal_and_finishes(
    command: EngineCommand, tmp_path: Path
) -> None:
    ready, result = tmp_path / "ready", tmp_path / "result"
    os.mkfifo(ready)
    groups: list[int] = []

    def interrupt() -> None:
        groups.append(int(ready.read_text(encoding="utf-8")))
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        command.run(["up"], str(tmp_path), {"READY": str(ready), "RESULT": str(result)})
    thread.join()
    assert groups != [os.getpgrp()]
    assert result.read_text(encoding="utf-8") == "state written\n"


def test_another_thread_can_interrupt_the_engine(command: EngineCommand, tmp_path: Path) -> None:
    ready, result = tmp_path / "ready", tmp_path / "result"
    os.mkfifo(ready)

    def interrupt() -> None:
        ready.read_text(encoding="utf-8")
        command.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(automation.CommandError):
        command.run(["up"], str(tmp_path), {"READY": str(ready), "RESULT": str(result)})
    thread.join()
    assert result.read_text(encoding="utf-8") == "state written\n"


def test_without_a_running_command_there_is_nothing_to_interrupt(
    command: EngineCommand, tmp_path: Path
) -> None:
    command.interrupt()
    command.run(["stack", "ls"], str(tmp_path), {})
    command.interrupt()
