"""Lets one command at a time work on a stand-in; the next one waits, and names the first."""

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
"""In seconds; a first start builds the engine, and a deployment may wait for App Runner."""


@contextmanager
def turn(home: Home, note: Callable[[str], None]) -> Iterator[None]:
    """Work on a stand-in alone; another `turn` inside it, in the same process, doesn't wait.

    Args:
        home: the stand-in.
        note: called with one line if another command has to end first.

    Raises:
        LocalCloudError: the other command didn't end within half an hour.
    """
    home.lock.parent.mkdir(parents=True, exist_ok=True)
    # The system releases it when its holder ends, even if that one is killed.
    lock = FileLock(home.lock, is_singleton=True, thread_local=False)
    holder = home.lock.with_suffix(".json")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        other = _read_holder(holder)
        note(f"Waiting for {other}")
        try:
            lock.acquire(timeout=_TIMEOUT)
        except Timeout:
            raise LocalCloudError(
                f"Gave up after waiting {_TIMEOUT // 60} minutes for {other}. Wait for it to end,"
                " or stop that process, and run this again."
            ) from None
    try:
        if lock.lock_counter == 1:
            _write_holder(holder)
        yield
    finally:
        lock.release()


def _write_holder(holder: Path) -> None:
    content = {"pid": os.getpid(), "since": time.time(), "command": _command()}
    write_atomically(holder, json.dumps(content))


def _command() -> str:
    module = getattr(sys.modules["__main__"], "__spec__", None)
    name = module.name.removesuffix(".__main__") if module else Path(sys.argv[0]).name
    return " ".join([name, *sys.argv[1:]])


def _read_holder(holder: Path) -> str:
    try:
        content = json.loads(holder.read_text(encoding="utf-8"))
        since = time.strftime("%H:%M:%S", time.localtime(content["since"]))
        return f"`{content['command']}`, process {content['pid']}, running since {since}"
    except (OSError, ValueError, KeyError):
        # It has the lock, but hasn't written the file yet.
        return "another command"
