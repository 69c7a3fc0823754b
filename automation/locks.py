"""Who holds the lock of a stack, from what the engine says of it."""

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
        pid: its id there.
        since: when it took the lock, as the engine writes it.
    """

    lock: str
    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        """Name the process, and since when it has been at work."""
        return f"process {self.pid} on {self.host}, at work since {self.since}"

    @property
    def here(self) -> bool:
        """Whether it is a process of this machine."""
        return self.host == socket.gethostname()

    def runs(self) -> bool:
        """Decide whether a process of this machine runs.

        Returns:
            False also for a killed one that is listed until its parent takes notice.
        """
        try:
            return psutil.Process(self.pid).status() not in {
                psutil.STATUS_ZOMBIE,
                psutil.STATUS_DEAD,
            }
        except psutil.NoSuchProcess:
            return False

    def wait(self, seconds: float) -> bool:
        """Wait until a process of this machine has ended.

        Args:
            seconds: how long at most.

        Returns:
            Whether it has.
        """
        wait = Retrying(
            stop=stop_after_delay(seconds),
            wait=wait_fixed(_POLL_SECONDS),
            retry=retry_if_result(lambda runs: runs),
            retry_error_callback=lambda _: True,
        )
        return not wait(self.runs)

    def remove_lock(self) -> bool:
        """Remove the lock of a process that has died, where it is a file.

        Returns:
            False where the lock is kept elsewhere.
        """
        url = urlsplit(self.lock)
        if url.scheme != "file":
            return False
        Path(unquote(url.path)).unlink(missing_ok=True)
        return True


def lock_holders(message: str) -> tuple[LockHolder, ...]:
    """Read who holds the lock of a stack.

    Args:
        message: what the engine says of the lock; only a backend of files names its holders.

    Returns:
        The holders.
    """
    return tuple(
        LockHolder(lock=each["lock"], host=each["host"], pid=int(each["pid"]), since=each["since"])
        for each in _HOLDER.finditer(message)
    )
