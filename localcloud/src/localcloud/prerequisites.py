"""Checks before a start that nothing is missing, so that it doesn't fail after minutes."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from localcloud import docker_engine, toolchains
from localcloud.aura import distribution
from localcloud.engine import cli as engine_cli
from localcloud.errors import LocalCloudError
from localcloud.paths import Home, cache_directory

_GIGABYTE = 10**9


@dataclass(frozen=True, kw_only=True)
class RequiredSpace:
    """The disk space that a start needs, in bytes.

    Attributes:
        build: to build the engine. Measured on Linux: its modules and the build take 3.8 GB, all
            of which Go keeps.
        run: to run. The jars take 0.1 GB, a built engine 0.3 GB, and an empty database 0.3 GB
            with its logs.
    """

    build: int = 5 * _GIGABYTE
    run: int = 1 * _GIGABYTE


def require(home: Home, space: RequiredSpace = RequiredSpace()) -> None:
    """Check that everything a start needs is there or can be installed.

    Raises:
        LocalCloudError: lists everything that is missing.
    """
    cache = cache_directory()
    building = engine_cli.must_be_built()
    problems = failures(
        [
            docker_engine.find,
            *([] if distribution.folder(cache).exists() else [toolchains.require_maven]),
            lambda: require_space(cache, space.build if building else space.run),
            lambda: require_space(home.directory, space.run),
        ]
    )
    if problems:
        raise LocalCloudError(
            "The stand-in cloud can't start. Nothing was started or installed.\n"
            + "\n".join(f"- {problem}" for problem in problems)
        )


def failures(checks: Iterable[Callable[[], object]]) -> list[str]:
    """Run all checks, and return the distinct messages of those that fail.

    Args:
        checks: each raises LocalCloudError if something is missing.
    """
    problems = []
    for check in checks:
        try:
            check()
        except LocalCloudError as error:
            problems.append(str(error))
    return list(dict.fromkeys(problems))


def require_space(folder: Path, wanted: int) -> None:
    """Check the free space of a folder's disk.

    Args:
        folder: the folder, which may not exist yet.
        wanted: the required free space, in bytes.

    Raises:
        LocalCloudError: there is less.
    """
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    if free < wanted:
        raise LocalCloudError(
            f"{free / _GIGABYTE:.1f} GB are free for {folder}, and {wanted / _GIGABYTE:.0f} GB are"
            " needed. Free some space, or set LOCALCLOUD_HOME and LOCALCLOUD_CACHE to folders on"
            " another disk."
        )
