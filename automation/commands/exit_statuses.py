"""The exit statuses of the commands, which `python -m automation --help` explains."""

from typing import Final

UNSUCCESSFUL: Final = 1
COMMAND_FAILED: Final = 3
INTERRUPTED: Final = 130
