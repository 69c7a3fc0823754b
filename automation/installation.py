"""Installs tools in the user's cache folder, each version once."""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from automation import child_process
from automation.errors import AutomationError

INSTALL_TIMEOUT: Final = 600
"""Seconds that each step of an installation may take."""


class InstallationError(AutomationError):
    """Another process has been installing for too long, or nobody waits for it any more."""


@contextmanager
def installing(is_stopping: Callable[[], bool] | None = None) -> Iterator[Path]:
    """Let no other process install meanwhile.

    Args:
        is_stopping: returns whether to stop waiting for another process, for code in a thread,
            which no signal interrupts.

    Yields:
        The cache folder.

    Raises:
        InstallationError: another process has been installing for too long, or this is stopping.
    """
    cache = _cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    limit = 2 * INSTALL_TIMEOUT
    lock = FileLock(cache / "lock", timeout=limit)
    try:
        lock.acquire(cancel_check=is_stopping)
    except Timeout as error:
        if is_stopping is not None and is_stopping():
            raise InstallationError("Another process is installing tools") from error
        raise InstallationError(
            f"Another process has been installing tools for {limit} s."
            f" Wait until it ends; to find it, run: lsof {cache / 'lock'}"
        ) from error
    try:
        yield cache
    finally:
        lock.release()


@contextmanager
def folder_when_complete(target: Path) -> Iterator[Path]:
    """Create a folder that appears under its name only when the block has succeeded."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    yield unfinished
    unfinished.rename(target)


def install_wheel(cache: Path, name: str, requirements: Path) -> Path:
    """Install a pinned and hashed wheel in a folder, and return the folder.

    Args:
        cache: the folder for tools.
        name: the tool's name.
        requirements: the requirement file, which pins one distribution.

    Raises:
        automation.child_process.CommandError: it can't be installed.
    """
    (pinned,) = re.findall(r"==([\w.]+)", requirements.read_text(encoding="utf-8"))
    target = cache / f"{name}-{pinned}"
    if not target.exists():
        with folder_when_complete(target) as unfinished:
            install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes"]
            where = ["--target", str(unfinished), "--requirement", str(requirements)]
            child_process.run([*install, *where], timeout=INSTALL_TIMEOUT)
    return target


def install_environment(cache: Path, name: str, requirements: Path) -> Path:
    """Install pinned and hashed requirements in their own environment, and return its Python.

    Args:
        cache: the folder for tools.
        name: the environment's name.
        requirements: the requirement file; another content makes another environment.

    Raises:
        automation.child_process.CommandError: they can't be installed.
    """
    content = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    target = cache / f"{name}-{content}-python{python}"
    if not target.exists():
        uv = [sys.executable, "-m", "uv"]
        with folder_when_complete(target) as unfinished:
            # The folder is renamed, which a script with an absolute path in it wouldn't survive.
            create = [*uv, "venv", "--quiet", "--relocatable", "--allow-existing", "--python"]
            child_process.run([*create, sys.executable, str(unfinished)], timeout=INSTALL_TIMEOUT)
            install = [*uv, "pip", "install", "--quiet", "--require-hashes"]
            where = ["--python", str(_python(unfinished)), "--requirement", str(requirements)]
            child_process.run([*install, *where], timeout=INSTALL_TIMEOUT)
    return _python(target)


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "neo4j-mcp-automation"
