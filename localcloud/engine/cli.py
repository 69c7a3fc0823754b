"""Finds the Pulumi CLI, or builds it from its pinned Go module.

The module beside this file names `pulumi` as a tool of one version; go.sum holds the checksums
of everything it is built from.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud import commands, toolchains
from localcloud.errors import LocalCloudError
from localcloud.locks import locked
from localcloud.paths import cache_directory
from localcloud.progress import Progress

_MODULE = Path(__file__).parent / "module"
_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_BUILD_TIMEOUT = 1800

MINIMUM_VERSION = (3, 272, 0)
"""The SDK in requirements.txt speaks this engine's protocol, and every later one of major 3."""


def ensure(progress: Progress) -> Path:
    """Find a Pulumi CLI, or build it into the shared cache.

    Args:
        progress: where to tell what takes time.

    Returns:
        The command's path.

    Raises:
        LocalCloudError: there is none on PATH, and it can't be built here.
    """
    found = on_path()
    if found:
        return found
    version = pinned_version((_MODULE / "go.mod").read_text(encoding="utf-8"))
    built = _built(version)
    lock = built.with_suffix(".lock")
    with locked(lock, timeout=_BUILD_TIMEOUT, work="building the Pulumi engine"):
        if not built.exists():
            _build(progress, version, built)
    return built


def on_path() -> Path | None:
    """Find a Pulumi CLI that can run the program.

    Returns:
        The command; None where PATH has none, or an older one.
    """
    found = shutil.which("pulumi")
    return Path(found) if found and is_supported(_version(Path(found))) else None


def must_be_built() -> bool:
    """Decide whether `ensure` would build the engine, which takes minutes.

    Returns:
        False where it is on PATH, or was built before.
    """
    version = pinned_version((_MODULE / "go.mod").read_text(encoding="utf-8"))
    return not _built(version).exists() and on_path() is None


def pinned_version(go_mod: str) -> str:
    """Read the engine's version from the module that pins it.

    Args:
        go_mod: the text of go.mod.

    Returns:
        The version, as "v3.274.1".

    Raises:
        LocalCloudError: the module doesn't require the engine.
    """
    match = re.search(r"github\.com/pulumi/pulumi/pkg/v3 (v[\w.-]+)", go_mod)
    if match is None:
        raise LocalCloudError(f"{_MODULE / 'go.mod'} doesn't require the Pulumi engine.")
    return match.group(1)


def is_supported(version: str) -> bool:
    """Decide whether an installed CLI can run the program.

    Args:
        version: what `pulumi version` prints, as "v3.274.1".

    Returns:
        True for major version 3 from `MINIMUM_VERSION` on.
    """
    match = re.match(r"v(\d+)\.(\d+)\.(\d+)", version)
    if match is None:
        return False
    numbers = tuple(int(part) for part in match.groups())
    return numbers[0] == MINIMUM_VERSION[0] and numbers >= MINIMUM_VERSION


def _version(command: Path) -> str:
    return commands.probe([str(command), "version"], {"PULUMI_SKIP_UPDATE_CHECK": "1"}).strip()


def _built(version: str) -> Path:
    return cache_directory() / "engine" / f"pulumi-{version}"


def _build(progress: Progress, version: str, target: Path) -> None:
    go = toolchains.go(progress)
    with (
        progress.step(f"Building the Pulumi engine {version}", expect="about 5 minutes, once"),
        _unfinished(target) as unfinished,
    ):
        command = [
            *(str(go), "-C", str(_MODULE), "build", "-mod=readonly", "-buildvcs=false"),
            *("-o", str(unfinished)),
            # No debug information, and no optimisation of an engine that mostly waits:
            # both make the one build that a person waits for shorter.
            *("-ldflags", f"-s -w -X {_VERSION_VARIABLE}={version}", "-gcflags=all=-N -l"),
            _PACKAGE,
        ]
        commands.run(
            command,
            purpose=f"Building the Pulumi engine {version}",
            timeout=_BUILD_TIMEOUT,
            remedy=(
                f"Install the Pulumi CLI {version} or newer on PATH instead, or see whether this"
                " machine reaches its Go proxy: go env GOPROXY"
            ),
            # The pinned toolchain builds; Go must not fetch another one.
            environment={"GOTOOLCHAIN": "local", "GOWORK": "off"},
        )


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """Give a place for a build that takes its name only once it is whole."""
    with tempfile.TemporaryDirectory(dir=target.parent) as directory:
        unfinished = Path(directory) / target.name
        yield unfinished
        unfinished.rename(target)
