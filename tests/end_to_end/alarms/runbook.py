"""Runs the runbook's commands, as a person would paste them."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from automation.target import WORKSPACE_VARIABLE
from tests.repository import ROOT
from tests.runbook_page import RunbookPage

# A check or the doctor that finds a fault exits with 1, and the rest of a diagnosis still runs. Any
# other status means that a command is wrong.
_DIAGNOSING: Final = "set -uo pipefail; trap 'code=$?; [ $code -le 1 ] || exit $code' ERR"
_CHANGING: Final = "set -euo pipefail"
# As `make env` prints it.
_PULUMI: Final = f'pulumi() {{ command pulumi --cwd "${WORKSPACE_VARIABLE}" "$@"; }}'


@dataclass(frozen=True, kw_only=True)
class Runbook:
    """The runbook's commands, with the shell in which they run.

    Attributes:
        environment: what `make env` exports.
        folder: the person's home, with the profiles and caches of `neo4j-mcp`.
        stack: the stack's name.
        page: the runbook.
        seconds: how long the commands of a part may take.
        checkout: the folder in which the commands run.
    """

    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    stack: str
    page: RunbookPage = field(default_factory=RunbookPage.read, repr=False)
    seconds: float = 600.0
    checkout: Path = ROOT

    def commands(self, key: str, part: str) -> str:
        """Return the commands of a part of an alarm's section."""
        return self.page.commands(key, part)

    def run(self, key: str, part: str, **variables: str) -> str:
        """Run the commands of a part of a section, and return what they print.

        Commands of a part "Diagnosis" may report a fault; all others must succeed.

        Args:
            key: the section's heading.
            part: the part's title.
            **variables: values for the lines ``name=value``, as a reader would replace them.
        """
        return self._run_part(key, part, variables)

    def run_block(self, key: str, part: str, block: int, **variables: str) -> str:
        """Run one block of a part after the assignments of those before; see `run`.

        Args:
            block: the block's number, from 0.
        """
        return self._run_part(key, part, variables, block)

    def _run_part(
        self, key: str, part: str, variables: Mapping[str, str], block: int | None = None
    ) -> str:
        script = self.page.script(key, part, {"stack": self.stack, **variables}, block)
        mode = _DIAGNOSING if part == "Diagnosis" else _CHANGING
        status, output = self._run(f"{mode}\n{_PULUMI}\n{script}")
        allowed = (0, 1) if part == "Diagnosis" else (0,)
        where = f"{part} of {key}"
        assert status is not None, f"{where} takes {self.seconds:.0f} s:\n{script}\n{output}"
        assert status in allowed, f"{where} ends with status {status}:\n{script}\n{output}"
        return output

    def run_commands(self, script: str) -> str:
        """Run commands that aren't on the page, which must succeed, and return what they print."""
        status, output = self._run(f"{_CHANGING}\n{_PULUMI}\n{script}")
        assert status == 0, f"{script}\nends with status {status}:\n{output}"
        return output

    def _run(self, script: str) -> tuple[int | None, str]:
        """Run a script, and return its status, None if it takes too long, and its output."""
        with subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.checkout,
            env={**self.environment, **self._home()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=self.seconds)
            except subprocess.TimeoutExpired:
                # The commands too, which would hold the output open.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
                return None, output
            return process.returncode, output

    def _home(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), self.environment["PATH"]]),
            "PYTHONUNBUFFERED": "1",
        }
