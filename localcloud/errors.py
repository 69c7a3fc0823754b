"""What the person at the keyboard is told when the stand-in cloud can't go on."""


class LocalCloudError(Exception):
    """The stand-in cloud can't go on; the message names the cause and the command that fixes it."""
