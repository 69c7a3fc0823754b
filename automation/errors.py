"""The base of every error that a command of `python -m automation` reports."""


class AutomationError(Exception):
    """A command can't continue; the message names the cause and the command that fixes it."""
