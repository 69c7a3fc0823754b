"""The command line as a person runs it: a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).resolve().parents[2] / "client" / "src"
_TIMEOUT = 150.0


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    output: str
    messages: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - any JSON
        return json.loads(self.output)


@dataclass(frozen=True)
class Command:
    """`neo4j-mcp` of a person with folders of their own."""

    environment: Mapping[str, str]

    @property
    def words(self) -> list[str]:
        return [sys.executable, "-m", "neo4j_mcp_client"]

    def __call__(self, *arguments: str, text: str | None = None) -> Ended:
        process = subprocess.run(
            [*self.words, *arguments],
            input=text or "",
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        return Ended(process.returncode, process.stdout, process.stderr)


def command_of(folder: Path, **variables: str) -> Command:
    """Give the command to a person whose environment holds little more than the variables."""
    return Command(
        {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "PYTHONPATH": str(SOURCES),
            # A leaked socket or file is a failure here as well.
            "PYTHONWARNINGS": "error",
            "TERM": "dumb",
            "COLUMNS": "200",
            **variables,
        }
    )
