"""Commands that a drill has run where a cloud offers no API for what it does.

They come from the environment, run in the repository's folder, and each ends with status 0 once
it is done. `make env` sets them for the stand-in cloud.
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
"""Brings it back; does nothing where it is there."""
CONNECT_VARIABLE: Final = "AUTOMATION_CONNECT_DATABASE"
"""Applies single sign-on settings, which it reads from its standard input as `auraSso` has them."""

_DIRECTORY: Final = Path(__file__).resolve().parent.parent
_LIMIT: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class Controls:
    """The commands; None where this deployment has none.

    Attributes:
        pause_database: makes the database unreachable.
        resume_database: brings it back.
        connect_database: applies single sign-on settings.
    """

    pause_database: str | None = None
    resume_database: str | None = None
    connect_database: str | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Read the commands from the environment.

        Returns:
            The commands.
        """
        return cls(
            pause_database=os.environ.get(PAUSE_VARIABLE),
            resume_database=os.environ.get(RESUME_VARIABLE),
            connect_database=os.environ.get(CONNECT_VARIABLE),
        )


def run(command: str, document: Mapping[str, Any] | None = None) -> None:
    """Run a command to its end.

    Args:
        command: the program and its arguments, quoted as for a shell; no shell takes part.
        document: what it reads from its standard input, as JSON.

    Raises:
        CommandError: it can't be run, fails, or takes longer than five minutes.
    """
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise CommandError(f"`{command}` is no command: {error}") from error
    child_process.run(
        arguments,
        timeout=_LIMIT,
        given=None if document is None else json.dumps(document),
        directory=_DIRECTORY,
        # A Ctrl-C is for the drill, which still needs the command.
        own_session=True,
    )
