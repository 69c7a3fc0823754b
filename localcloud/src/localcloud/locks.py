"""Locks between processes; a timeout names the work that holds the lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from localcloud.cancellation import CancelledError, is_cancelled
from localcloud.errors import LocalCloudError


class LockedError(LocalCloudError):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, *, timeout: float, work: str) -> Iterator[None]:
    """Hold a lock while the block runs.

    Args:
        path: the lock's file; its folder is created if it's missing.
        timeout: how long to wait for it, in seconds.
        work: what its holder does, as in "building the Pulumi engine".

    Raises:
        LockedError: another process held it all that time.
        CancelledError: the work of this thread was cancelled meanwhile.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(path, timeout=timeout).acquire(cancel_check=is_cancelled)
    except Timeout as error:
        if is_cancelled():
            raise CancelledError(
                f"Stopped waiting for another process, which is {work}."
            ) from error
        raise LockedError(
            f"Another process has been {work} for {timeout:g} s. Wait for it to end, and run this"
            f" again; `lsof {path}` names it."
        ) from error
    with lock:
        yield
