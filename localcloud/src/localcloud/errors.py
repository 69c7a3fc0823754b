"""What the person at the keyboard is told when the stand-in cloud can't continue."""


class LocalCloudError(Exception):
    """The stand-in can't continue; the message names the cause and the command that fixes it."""
