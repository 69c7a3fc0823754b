"""One command at a time works on a stand-in; the next one waits, and names the one it waits for."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from localcloud.errors import LocalCloudError
from localcloud.files import write_atomically
from localcloud.paths import Home

_TIMEOUT = 1800
"""Seconds; a first start builds the engine, and a deployment may wait for App Runner."""


@contextmanager
def turn(home: Home, note: Callable[[str], None]) -> Iterator[None]:
    """Work on a stand-in alone. A block inside another one of the same process enters at once.

    Args:
        home: the stand-in.
        note: called with a line where another command has to end first.

    Yields:
        Nothing.

    Raises:
        LocalCloudError: the other command didn't end within half an hour.
    """
    home.lock.parent.mkdir(parents=True, exist_ok=True)
    # The system frees it with its holder, however that one ends.
    lock = FileLock(home.lock, is_singleton=True, thread_local=False)
    holder = home.lock.with_suffix(".json")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        working = _described(holder)
        note(f"Waiting for {working}")
        try:
            lock.acquire(timeout=_TIMEOUT)
        except Timeout:
            raise LocalCloudError(
                f"Gave up after {_TIMEOUT // 60} minutes of waiting for {working}."
            ) from None
    try:
        if lock.lock_counter == 1:
            _describe(holder)
        yield
    finally:
        lock.release()


def _describe(holder: Path) -> None:
    content = {"pid": os.getpid(), "since": time.time(), "command": _command()}
    write_atomically(holder, json.dumps(content))


def _command() -> str:
    module = getattr(sys.modules["__main__"], "__spec__", None)
    name = module.name.removesuffix(".__main__") if module else Path(sys.argv[0]).name
    return " ".join([name, *sys.argv[1:]])


def _described(holder: Path) -> str:
    try:
        content = json.loads(holder.read_text(encoding="utf-8"))
        since = time.strftime("%H:%M:%S", time.localtime(content["since"]))
        return f"`{content['command']}`, process {content['pid']}, at work since {since}"
    except (OSError, ValueError, KeyError):
        # It holds the lock, and is just about to say who it is.
        return "another command"
