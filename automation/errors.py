"""The base of every error that `python -m automation` reports to the person who runs it."""


class AutomationError(Exception):
    """A command failed; the message has the cause and the command that fixes it."""
