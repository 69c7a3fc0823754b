"""Takes locks between processes; one that isn't free in time is an error with its reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from localcloud.errors import LocalCloudError


class LockedError(LocalCloudError):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, *, timeout: float, work: str) -> Iterator[None]:
    """Hold a lock.

    Args:
        path: the lock's file; its folder is made where it is missing.
        timeout: how long to wait for it, in seconds.
        work: what its holder does, as in "building the Pulumi engine".

    Yields:
        Nothing; the lock is held until the block ends.

    Raises:
        LockedError: another process held it all the time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(path, timeout=timeout).acquire()
    except Timeout as error:
        raise LockedError(
            f"Another process has been {work} for {timeout:g} s. Wait for it to end, and run this"
            f" again; `lsof {path}` names it."
        ) from error
    with lock:
        yield
