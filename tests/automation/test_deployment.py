import os
import socket

import pytest

from automation.deployment import lock_is_stale

_HERE = socket.gethostname()
_DEAD = 2**22 + 1  # beyond Linux's largest process id


def _locked_by(host: str, pid: int) -> str:
    return (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other"
        " process(es) to end or delete the lock file with `pulumi cancel`.\n"
        f"  file:///backend/lock.json: created by someone@{host} (pid {pid}) at 2026-11-25"
    )


@pytest.mark.parametrize(
    ("message", "stale"),
    [
        (_locked_by(_HERE, _DEAD), True),
        (_locked_by(_HERE, os.getpid()), False),
        (_locked_by(f"not-{_HERE}", _DEAD), False),
        (_locked_by(_HERE, _DEAD) + _locked_by(_HERE, os.getpid()), False),
        ("error: the stack is currently locked by 1 lock(s).", False),
    ],
)
def test_lock_is_stale(message: str, stale: bool) -> None:
    assert lock_is_stale(message) is stale
