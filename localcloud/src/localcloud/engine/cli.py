"""Finds an installation of Pulumi, or builds one from its pinned Go modules.

An installation is the command and, next to it, the language host that runs Python programs. The Go
module proxy serves no language host as new as the engine; both speak the same protocol. The script
pulumi-language-python-exec, which the language host starts, has to match the Python SDK, so it is
the engine's. go.sum has the checksums of everything that is built.
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
# Go must build with the pinned toolchain, and not download another one.
_GO_ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOWORK": "off"}

MINIMUM_VERSION = (3, 272, 0)
"""The SDK in requirements.txt works with this engine, and every later one of major version 3."""


def ensure(progress: Progress) -> Path:
    """Return the Pulumi command, building it into the shared cache if PATH has none.

    The language host is next to the command or on PATH.

    Raises:
        LocalCloudError: it isn't on PATH and can't be built here.
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
    """Return the Pulumi command on PATH, if it can run the program.

    Returns:
        None if there is none, if it's too old, or if its Python language host is missing.
    """
    found = shutil.which(_COMMAND)
    if found is None or not is_supported(_version(Path(found))):
        return None
    neighbour = Path(found).resolve().with_name(_LANGUAGE_HOST)
    return Path(found) if neighbour.exists() or shutil.which(_LANGUAGE_HOST) else None


def must_be_built() -> bool:
    """Report whether `ensure` would build the engine, which takes minutes."""
    return not _target().exists() and on_path() is None


def required_version(module: Path, requirement: str) -> str:
    """Read the version of a requirement, such as "v3.274.1", from a Go module.

    Args:
        module: the folder with the module's go.mod.
        requirement: the path of the required module.

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
    """Report whether an installed CLI can run the program.

    Args:
        version: the output of `pulumi version`, such as "v3.274.1".
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
    # Without debug information and optimisations, a person waits less for the one build; the
    # programs themselves mostly wait.
    flags = ["-ldflags", f"-s -w -X {_VERSION_VARIABLE}={version}", "-gcflags=all=-N -l"]
    _go(
        go,
        module,
        ["build", "-mod=readonly", "-buildvcs=false", "-o", f"{target}/", *flags, package],
    )


def _folder(go: Path, module: Path, requirement: str) -> Path:
    """Return the source folder of a requirement, which building the module has downloaded."""
    found = commands.probe(
        [str(go), "-C", str(module), "list", "-m", "-f", "{{.Dir}}", requirement], _GO_ENVIRONMENT
    ).strip()
    if not Path(found).is_dir():
        raise LocalCloudError(f"`go list` doesn't find the source of {requirement}: {found}")
    return Path(found)


def _go(go: Path, module: Path, arguments: list[str]) -> None:
    commands.run(
        [str(go), "-C", str(module), *arguments],
        purpose="Building Pulumi",
        timeout=_BUILD_TIMEOUT,
        remedy=(
            f"Install the Pulumi CLI {'.'.join(map(str, MINIMUM_VERSION))} or newer on PATH"
            " instead, or check that this machine reaches its Go proxy: go env GOPROXY"
        ),
        environment=_GO_ENVIRONMENT,
    )
