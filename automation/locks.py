"""Finds who holds the lock of a stack, from the engine's message."""

import re
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

_HOLDER = re.compile(
    r"(?P<lock>\S+): created by \S+?@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)"
)
_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class LockHolder:
    """A process that holds the lock of a stack.

    Attributes:
        lock: the lock's URL.
        host: the process's machine.
        since: when it took the lock, as the engine writes it.
    """

    lock: str
    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        """Name the process, and when it took the lock."""
        return f"process {self.pid} on {self.host}, at work since {self.since}"

    @property
    def is_here(self) -> bool:
        """Whether the process is on this machine."""
        return self.host == socket.gethostname()

    def is_running(self) -> bool:
        """Return whether a process on this machine is running; a zombie isn't."""
        try:
            return psutil.Process(self.pid).status() not in {
                psutil.STATUS_ZOMBIE,
                psutil.STATUS_DEAD,
            }
        except psutil.NoSuchProcess:
            return False

    def wait(self, seconds: float) -> bool:
        """Wait until a process on this machine has ended, and return whether it has.

        Args:
            seconds: the longest wait.
        """
        wait = Retrying(
            stop=stop_after_delay(seconds),
            wait=wait_fixed(_POLL_SECONDS),
            retry=retry_if_result(lambda running: running),
            retry_error_callback=lambda _: True,
        )
        return not wait(self.is_running)

    def remove_lock(self) -> bool:
        """Remove the lock of a dead process if it is a file, and return whether it is."""
        url = urlsplit(self.lock)
        if url.scheme != "file":
            return False
        Path(unquote(url.path)).unlink(missing_ok=True)
        return True


def lock_holders(message: str) -> tuple[LockHolder, ...]:
    """Find a lock's holders in the engine's message, which has them only for a file backend."""
    return tuple(
        LockHolder(lock=each["lock"], host=each["host"], pid=int(each["pid"]), since=each["since"])
        for each in _HOLDER.finditer(message)
    )
