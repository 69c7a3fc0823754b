"""Waits for other processes end when a command is interrupted or fails."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from localcloud.cancellation import CancellableThreads, CancelledError, is_cancelled
from localcloud.locks import locked
from tests.repository import ROOT

_LIMIT = 30
_WAITS_IN_A_THREAD = """
import sys
from pathlib import Path
from localcloud.cancellation import CancellableThreads
from localcloud.interruption import interruptible
from localcloud.locks import locked
def wait():
    print("waiting", flush=True)
    with locked(Path(sys.argv[1]), timeout=600, work="building it"):
        pass
with interruptible(), CancellableThreads() as threads:
    try:
        threads.submit(wait).result()
    except BaseException:
        threads.cancel()
        raise
"""


def test_a_cancelled_thread_does_not_wait_for_a_lock(tmp_path: Path) -> None:
    path, begun = tmp_path / "lock", threading.Event()

    def wait() -> None:
        begun.set()
        with locked(path, timeout=10 * _LIMIT, work="building it"):
            pass

    with CancellableThreads() as threads, locked(path, timeout=0, work="building it"):
        waiting = threads.submit(wait)
        assert begun.wait(_LIMIT)
        threads.cancel()
        assert isinstance(waiting.exception(_LIMIT), CancelledError)


def test_a_cancelled_thread_starts_nothing_else() -> None:
    begun, cancelled = threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        cancelled.wait(_LIMIT)
        return is_cancelled()

    with CancellableThreads() as threads:
        working = threads.submit(work)
        assert begun.wait(_LIMIT)
        threads.cancel()
        cancelled.set()
        assert working.result()
        with pytest.raises(RuntimeError):
            threads.submit(work)


def test_other_threads_are_never_cancelled() -> None:
    with CancellableThreads() as threads:
        assert not threads.submit(is_cancelled).result()
        threads.cancel()
    assert not is_cancelled()
    with CancellableThreads() as others:
        assert not others.submit(is_cancelled).result()


@pytest.mark.program
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_command_whose_thread_waits_for_a_lock(
    number: signal.Signals, tmp_path: Path
) -> None:
    path = tmp_path / "lock"
    with locked(path, timeout=0, work="building it"):
        command = subprocess.Popen(
            [sys.executable, "-c", _WAITS_IN_A_THREAD, str(path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert command.stdout is not None
            assert command.stdout.readline() == "waiting\n"
            command.send_signal(number)
            assert command.wait(_LIMIT) == 128 + number
        finally:
            command.kill()
            command.communicate(timeout=_LIMIT)
