"""The command line as a separate process."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = (sys.executable, "-m", "neo4j_mcp_client")
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
    """`neo4j-mcp` with separate folders."""

    environment: Mapping[str, str]
    program: tuple[str, ...] = PROGRAM

    def __call__(self, *arguments: str, text: str | None = None) -> Ended:
        process = subprocess.run(
            [*self.program, *arguments],
            input=text or "",
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        return Ended(process.returncode, process.stdout, process.stderr)


def command_of(
    folder: Path, variables: Mapping[str, str] | None = None, program: tuple[str, ...] = PROGRAM
) -> Command:
    """Create the command with a minimal environment and the given variables."""
    return Command(
        program=program,
        environment={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            # A leaked socket or file is a failure here as well.
            "PYTHONWARNINGS": "error",
            "TERM": "dumb",
            "COLUMNS": "200",
            **(variables or {}),
        },
    )
