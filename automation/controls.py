"""Commands that drills and chaos runs use for what no cloud API offers.

They come from environment variables and run in the repository's folder. Each has to exit with
status 0 once it is done. `make env` sets the variables for the stand-in cloud.
"""

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from automation import child_process
from automation.child_process import CommandError

PAUSE_VARIABLE: Final = "AUTOMATION_PAUSE_DATABASE"
"""Makes the database unreachable."""
RESUME_VARIABLE: Final = "AUTOMATION_RESUME_DATABASE"
"""Makes it reachable again; does nothing if it is."""
CONNECT_VARIABLE: Final = "AUTOMATION_CONNECT_DATABASE"
"""Applies single sign-on settings: JSON on its standard input, in the form of `auraSso`."""
DETOUR_VARIABLE: Final = "AUTOMATION_DETOUR_DATABASE"
"""Moves the database to another address, so that a proxy can take its own; the command that resumes
it moves it back. Prints JSON: `listen` has the addresses that it left, `upstream` the new one."""

_DIRECTORY: Final = Path(__file__).resolve().parent.parent
_LIMIT: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class Controls:
    """The commands; None for those that aren't set."""

    pause_database: str | None = None
    resume_database: str | None = None
    connect_database: str | None = None
    detour_database: str | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Read the commands from the environment."""
        return cls(
            pause_database=os.environ.get(PAUSE_VARIABLE),
            resume_database=os.environ.get(RESUME_VARIABLE),
            connect_database=os.environ.get(CONNECT_VARIABLE),
            detour_database=os.environ.get(DETOUR_VARIABLE),
        )


def run(command: str, document: Mapping[str, Any] | None = None) -> str:
    """Run a command, and return its standard output.

    Args:
        command: the program and its arguments, quoted as for a shell. No shell runs it.
        document: JSON for its standard input.

    Raises:
        CommandError: it can't be run, fails, or takes longer than five minutes.
    """
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise CommandError(f"`{command}` isn't a valid command: {error}") from error
    return child_process.run(
        arguments,
        timeout=_LIMIT,
        stdin=None if document is None else json.dumps(document),
        directory=_DIRECTORY,
        # A Ctrl-C interrupts the drill, which still needs the command to restore things.
        own_session=True,
    )
