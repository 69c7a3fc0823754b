"""What a signal and a closed output do to a command."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.program

_LIMIT = 30
_PROJECT = Path(__file__).resolve().parents[2]
_CLEANS_UP = """
import signal, sys
from automation.interruption import graceful_shutdown
with graceful_shutdown():
    try:
        print("ready", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        print("cleaned up", flush=True)
        raise
"""
_NEVER_ENDS = """
import signal, subprocess, sys
from automation.interruption import graceful_shutdown
child = [sys.executable, "-c", "import signal; signal.pause()"]
with graceful_shutdown():
    near = subprocess.Popen(child, process_group=0)
    service = subprocess.Popen(child, start_new_session=True)
    try:
        print(near.pid, service.pid, flush=True)
        signal.pause()
    except KeyboardInterrupt:
        print("cleaning up", flush=True)
        while True:
            signal.pause()
"""
_WRITES_IN_A_THREAD = """
import signal, sys, threading
from automation.interruption import graceful_shutdown
def write():
    sys.stdin.read()
    for _ in range(3):
        print("progress", file=sys.stderr, flush=True)
        print("result", flush=True)
with graceful_shutdown():
    thread = threading.Thread(target=write)
    try:
        thread.start()
        signal.pause()
    except KeyboardInterrupt:
        thread.join()
        open(sys.argv[1], "w").write("cleaned up")
        raise
"""


@contextmanager
def _running(program: str, *arguments: str, ignored: str = "") -> Iterator[subprocess.Popen[str]]:
    """Run a program, with signals ignored as nohup ignores SIGHUP."""
    command = [sys.executable, "-c", program, *arguments]
    if ignored:
        command = ["sh", "-c", f"trap '' {ignored}; exec \"$@\"", "sh", *command]
    process = subprocess.Popen(
        command,
        cwd=_PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=_LIMIT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_lets_a_command_clean_up(number: signal.Signals) -> None:
    with _running(_CLEANS_UP) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == "cleaned up\n"
        assert process.wait(_LIMIT) == 128 + number


def test_an_ignored_signal_stays_ignored() -> None:
    with _running(_CLEANS_UP, ignored="HUP") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "cleaned up\n"
        assert process.wait(_LIMIT) == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_kills_a_command_and_its_children_but_not_its_services(
    number: signal.Signals,
) -> None:
    with _running(_NEVER_ENDS) as process:
        assert process.stdout is not None
        near, service = map(psutil.Process, map(int, process.stdout.readline().split()))
        try:
            # A terminal that closes may send it twice: that is one signal.
            process.send_signal(signal.SIGHUP)
            assert process.stdout.readline() == "cleaning up\n"
            process.send_signal(signal.SIGHUP)
            process.send_signal(number)
            assert process.wait(_LIMIT) == -number
            psutil.wait_procs([near], timeout=_LIMIT)
            assert not near.is_running() or near.status() == psutil.STATUS_ZOMBIE
            assert service.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
        finally:
            service.kill()


def test_a_closed_output_lets_a_command_clean_up(
    tmp_path: Path,
) -> None:
    mark = tmp_path / "mark"
    with _running(_WRITES_IN_A_THREAD, str(mark)) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.close()
        process.stdin.close()
        assert process.wait(_LIMIT) == 128 + signal.SIGPIPE
        process.stdin = process.stdout = None
    assert mark.read_text(encoding="utf-8") == "cleaned up"
