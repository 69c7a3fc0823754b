"""Finds an installation of Pulumi, or builds one from its pinned Go modules.

An installation is the command and, beside it where the command looks for it, the language host
that runs Python programs. The newest language host that the Go module proxy serves is older than
the engine; the engine speaks to it by the same protocol, and it starts the script
pulumi-language-python-exec, which has to match the Python SDK and so is the engine's. go.sum holds
the checksums of everything that both are built from.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from localcloud import toolchains
from localcloud.errors import LocalCloudError
from localcloud.paths import cache_directory
from localcloud.progress import Progress

_FOLDER = Path(__file__).parent
ENGINE_MODULE = _FOLDER / "module"
LANGUAGE_HOST_MODULE = _FOLDER / "language_host"

_COMMAND = "pulumi"
_LANGUAGE_HOST = "pulumi-language-python"
_EXECUTOR = "pulumi-language-python-exec"
_ENGINE = "github.com/pulumi/pulumi/pkg/v3"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_VERSION_VARIABLE = f"{_SDK}/go/common/version.Version"
_BUILD_TIMEOUT = 1800
_PROBE_TIMEOUT = 30

MINIMUM_VERSION = (3, 272, 0)
"""The SDK in requirements.txt speaks this engine's protocol, and every later one of major 3."""


def ensure(progress: Progress) -> Path:
    """Find an installation of Pulumi, or build one into the shared cache.

    Args:
        progress: where to report what takes time.

    Returns:
        The path of the command; the language host is beside it or on PATH.

    Raises:
        LocalCloudError: there is none on PATH, and it can't be built here.
    """
    found = _installed()
    if found is not None:
        return found
    engine = required_version(ENGINE_MODULE, _ENGINE)
    language_host = required_version(LANGUAGE_HOST_MODULE, _SDK)
    target = cache_directory() / "engine" / f"pulumi-{engine}-python-{language_host}"
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = target.with_name(f"{target.name}.lock")
    try:
        with FileLock(lock, timeout=_BUILD_TIMEOUT):
            if not target.exists():
                _build(progress, target, engine=engine, language_host=language_host)
    except Timeout:
        raise LocalCloudError(
            f"Another command has been building the Pulumi engine for {_BUILD_TIMEOUT} s."
            f" If none is, remove {lock} and try again."
        ) from None
    return target / _COMMAND


def required_version(module: Path, requirement: str) -> str:
    """Read the version of a requirement from the Go module that pins it.

    Args:
        module: the folder with the module's go.mod.
        requirement: the path of the required module.

    Returns:
        The version, as "v3.274.1".

    Raises:
        LocalCloudError: the module doesn't require it.
    """
    go_mod = module / "go.mod"
    match = re.search(
        rf"^\s*{re.escape(requirement)} (v[\w.-]+)",
        go_mod.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    if match is None:
        raise LocalCloudError(f"{go_mod} doesn't require {requirement}.")
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


def _installed() -> Path | None:
    """Find an installation on PATH that can run the program by itself."""
    found = shutil.which(_COMMAND)
    if found is None or not is_supported(_version(Path(found))):
        return None
    beside = Path(found).resolve().with_name(_LANGUAGE_HOST)
    return Path(found) if beside.exists() or shutil.which(_LANGUAGE_HOST) else None


def _version(command: Path) -> str:
    try:
        done = subprocess.run(
            [command, "version"],
            check=False,
            env=os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _build(progress: Progress, target: Path, *, engine: str, language_host: str) -> None:
    go = toolchains.go(progress)
    with _unfinished(target) as unfinished:
        with progress.step(f"Building the Pulumi engine {engine}", expect="about 5 minutes, once"):
            _go_build(go, ENGINE_MODULE, f"{_ENGINE}/cmd/{_COMMAND}", unfinished, version=engine)
        with progress.step("Building Pulumi's Python language host", expect="once"):
            package = f"{_SDK}/python/cmd/{_LANGUAGE_HOST}"
            _go_build(go, LANGUAGE_HOST_MODULE, package, unfinished, version=language_host)
            sdk = json.loads(_go(go, ENGINE_MODULE, ["mod", "download", "-json", _SDK]))
            executor = Path(sdk["Dir"]) / "python" / "cmd" / _EXECUTOR
            shutil.copyfile(executor, unfinished / _EXECUTOR)
            (unfinished / _EXECUTOR).chmod(0o755)


def _go_build(go: Path, module: Path, package: str, target: Path, *, version: str) -> None:
    # No debug information, and no optimisation of programs that mostly wait: both make the one
    # build that a person waits for shorter.
    flags = ["-ldflags", f"-s -w -X {_VERSION_VARIABLE}={version}", "-gcflags=all=-N -l"]
    _go(
        go,
        module,
        ["build", "-mod=readonly", "-buildvcs=false", "-o", f"{target}/", *flags, package],
    )


def _go(go: Path, module: Path, arguments: list[str]) -> str:
    """Run a Go command in a module, and return what it prints."""
    try:
        return subprocess.run(
            [str(go), "-C", str(module), *arguments],
            check=True,
            # The pinned toolchain builds; Go must not fetch another one.
            env=os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_BUILD_TIMEOUT,
        ).stdout
    except subprocess.CalledProcessError as error:
        problem = error.stderr.strip()
    except subprocess.TimeoutExpired:
        problem = f"go {arguments[0]} took longer than {_BUILD_TIMEOUT} s."
    raise LocalCloudError(
        "Pulumi can't be built from its Go modules. Fix this and try again, or install the Pulumi"
        f" CLI {'.'.join(map(str, MINIMUM_VERSION))} or newer on PATH:\n{problem}"
    )


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """Yield a folder to build in, which takes its name only once everything is in it."""
    with tempfile.TemporaryDirectory(dir=target.parent) as directory:
        unfinished = Path(directory) / target.name
        unfinished.mkdir()
        yield unfinished
        unfinished.rename(target)
