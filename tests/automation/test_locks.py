import os
import socket
import subprocess
import sys

import psutil
import pytest

from automation.locks import lock_holders

_HERE = socket.gethostname()
_DEAD = 2**22 + 1  # beyond Linux's largest process id


def _locked_by(host: str, pid: int) -> str:
    return (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other"
        " process(es) to end or delete the lock file with `pulumi cancel`.\n"
        f"  file:///backend/lock.json: created by someone@{host} (pid {pid}) at 2026-11-25"
    )


def _is_stale(message: str) -> bool:
    holders = lock_holders(message)
    return bool(holders) and all(each.is_here and not each.is_running() for each in holders)


@pytest.mark.parametrize(
    ("message", "stale"),
    [
        (_locked_by(_HERE, _DEAD), True),
        (_locked_by(_HERE, os.getpid()), False),
        (_locked_by(f"not-{_HERE}", _DEAD), False),
        (_locked_by(_HERE, _DEAD) + _locked_by(_HERE, os.getpid()), False),
        ("error: the stack is currently locked by 1 lock(s).", False),
    ],
    ids=["of-the-dead", "of-the-living", "of-another-host", "of-both", "of-nobody-named"],
)
def test_the_lock_of_a_dead_process_on_this_machine_is_stale(message: str, stale: bool) -> None:
    assert _is_stale(message) is stale


def test_the_lock_of_a_zombie_is_stale() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        message = _locked_by(_HERE, process.pid)
        assert not _is_stale(message)
        process.kill()
        # Waits for the end, and leaves the process to be waited for.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.pid_exists(process.pid)
        assert _is_stale(message)
    finally:
        process.kill()
        process.wait()
