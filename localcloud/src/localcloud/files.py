"""Atomic writes, folders that appear only once complete, and the ends of logs."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.errors import LocalCloudError

_TAIL_LINES = 15


def make_private_folder(path: Path) -> None:
    """Create a folder that only its owner can enter, or close an existing one to others.

    Raises:
        LocalCloudError: the folder belongs to another user, who could change what is in it.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid != os.geteuid():
        raise LocalCloudError(
            f"{path} belongs to another user. Set LOCALCLOUD_HOME or LOCALCLOUD_CACHE to a folder"
            " that you own."
        )
    path.chmod(0o700)


def write_atomically(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Write a file under a temporary name, then rename it: readers see all of it or none.

    Args:
        path: the file; missing parent folders are created with mode 0700.
        content: bytes, or text to write as UTF-8.
        mode: its permissions, less the process's umask.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    unfinished.replace(path)


@contextmanager
def folder_when_complete(target: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; it's renamed to the target when the block succeeds.

    The caller holds a lock: two processes would fill the same folder.
    """
    unfinished = target.with_name(f"{target.name}.unfinished")
    # Left by a process that was killed.
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        unfinished.rename(target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """Read the last lines of a log, whatever its encoding."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.strip().splitlines()[-lines:])
