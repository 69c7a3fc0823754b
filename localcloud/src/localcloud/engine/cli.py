"""Finds an installation of Pulumi, or builds one from its pinned Go modules.

An installation is the command and, next to it where the command looks for it, the language host
that runs Python programs. The newest language host that the Go module proxy serves is older than
the engine; the engine speaks to it by the same protocol, and it starts the script
pulumi-language-python-exec, which has to match the Python SDK and so is the engine's. go.sum holds
the checksums of everything that both are built from.
"""

import re
import shutil
from pathlib import Path

from localcloud import commands, toolchains
from localcloud.errors import LocalCloudError
from localcloud.files import folder_when_complete
from localcloud.locks import locked
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
# The pinned toolchain builds; Go must not fetch another one.
_GO_ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOWORK": "off"}

MINIMUM_VERSION = (3, 272, 0)
"""The SDK in requirements.txt speaks this engine's protocol, and every later one of major 3."""


def ensure(progress: Progress) -> Path:
    """Find an installation of Pulumi, or build one into the shared cache.

    Args:
        progress: where to report what takes time.

    Returns:
        The path of the command; the language host is next to it or on PATH.

    Raises:
        LocalCloudError: there is none on PATH, and it can't be built here.
    """
    found = on_path()
    if found is not None:
        return found
    target = _target()
    lock = target.with_name(f"{target.name}.lock")
    with locked(lock, timeout=_BUILD_TIMEOUT, work="building the Pulumi engine"):
        if not target.exists():
            _build(progress, target)
    return target / _COMMAND


def on_path() -> Path | None:
    """Find an installation of Pulumi that can run the program by itself.

    Returns:
        The command; None where PATH has none, an older one, or one without its language host.
    """
    found = shutil.which(_COMMAND)
    if found is None or not is_supported(_version(Path(found))):
        return None
    neighbour = Path(found).resolve().with_name(_LANGUAGE_HOST)
    return Path(found) if neighbour.exists() or shutil.which(_LANGUAGE_HOST) else None


def must_be_built() -> bool:
    """Decide whether `ensure` would build the engine, which takes minutes.

    Returns:
        False where it is on PATH, or was built before.
    """
    return not _target().exists() and on_path() is None


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


def _version(command: Path) -> str:
    return commands.probe([str(command), "version"], {"PULUMI_SKIP_UPDATE_CHECK": "1"}).strip()


def _target() -> Path:
    engine = required_version(ENGINE_MODULE, _ENGINE)
    language_host = required_version(LANGUAGE_HOST_MODULE, _SDK)
    return cache_directory() / "engine" / f"pulumi-{engine}-python-{language_host}"


def _build(progress: Progress, target: Path) -> None:
    go = toolchains.ensure_go(progress)
    engine = required_version(ENGINE_MODULE, _ENGINE)
    language_host = required_version(LANGUAGE_HOST_MODULE, _SDK)
    with folder_when_complete(target) as unfinished:
        with progress.step(f"Building the Pulumi engine {engine}", expect="about 5 minutes, once"):
            _go_build(go, ENGINE_MODULE, f"{_ENGINE}/cmd/{_COMMAND}", unfinished, version=engine)
        with progress.step("Building Pulumi's Python language host", expect="once"):
            package = f"{_SDK}/python/cmd/{_LANGUAGE_HOST}"
            _go_build(go, LANGUAGE_HOST_MODULE, package, unfinished, version=language_host)
            executor = _folder(go, ENGINE_MODULE, _SDK) / "python" / "cmd" / _EXECUTOR
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


def _folder(go: Path, module: Path, requirement: str) -> Path:
    """Find the source of a requirement, which the build of the module has fetched."""
    found = commands.probe(
        [str(go), "-C", str(module), "list", "-m", "-f", "{{.Dir}}", requirement], _GO_ENVIRONMENT
    ).strip()
    if not Path(found).is_dir():
        raise LocalCloudError(f"Go doesn't find the source of {requirement}: {found}")
    return Path(found)


def _go(go: Path, module: Path, arguments: list[str]) -> None:
    commands.run(
        [str(go), "-C", str(module), *arguments],
        purpose="Building Pulumi",
        timeout=_BUILD_TIMEOUT,
        remedy=(
            f"Install the Pulumi CLI {'.'.join(map(str, MINIMUM_VERSION))} or newer on PATH"
            " instead, or see whether this machine reaches its Go proxy: go env GOPROXY"
        ),
        environment=_GO_ENVIRONMENT,
    )
