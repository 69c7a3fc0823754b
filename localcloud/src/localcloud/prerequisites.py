"""Finds out what a start would miss, before its long steps begin."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from localcloud import docker_engine, toolchains
from localcloud.aura import distribution
from localcloud.engine import cli as engine_cli
from localcloud.errors import LocalCloudError
from localcloud.paths import Home, cache_directory

_GIGABYTE = 10**9
# Measured on Linux: the engine's modules and build take 3.8 GB, of which Go keeps all.
_BUILD_SPACE = 5 * _GIGABYTE
# The jars take 0.1 GB, a built engine 0.3 GB, and an empty database 0.3 GB with its logs.
_RUN_SPACE = 1 * _GIGABYTE


def require(home: Home) -> None:
    """Refuse to start where something is missing that can't be brought here.

    Args:
        home: the folder for the stand-in's state.

    Raises:
        LocalCloudError: names everything that is missing.
    """
    cache = cache_directory()
    building = engine_cli.must_be_built()
    problems = failures(
        [
            docker_engine.find,
            *([] if distribution.folder(cache).exists() else [toolchains.require_maven]),
            lambda: require_space(cache, _BUILD_SPACE if building else _RUN_SPACE),
            lambda: require_space(home.directory, _RUN_SPACE),
        ]
    )
    if problems:
        raise LocalCloudError(
            "The stand-in cloud can't start. Nothing was started or installed.\n"
            + "\n".join(f"- {problem}" for problem in problems)
        )


def failures(checks: Iterable[Callable[[], object]]) -> list[str]:
    """Make every check, and gather what fails.

    Args:
        checks: each raises LocalCloudError where something is missing.

    Returns:
        The messages, each once.
    """
    problems = []
    for check in checks:
        try:
            check()
        except LocalCloudError as error:
            problems.append(str(error))
    return list(dict.fromkeys(problems))


def require_space(folder: Path, wanted: int) -> None:
    """Refuse a folder on a disk that is nearly full.

    Args:
        folder: the folder; it need not exist yet.
        wanted: the bytes that must be free.

    Raises:
        LocalCloudError: fewer are.
    """
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    if free < wanted:
        raise LocalCloudError(
            f"{free / _GIGABYTE:.1f} GB are free for {folder}, and {wanted / _GIGABYTE:.0f} GB are"
            " needed. Free some space, or use another disk: LOCALCLOUD_HOME and LOCALCLOUD_CACHE"
            " name the stand-in's folders."
        )
