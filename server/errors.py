"""Errors of preparing the image's content."""


class ServerImageError(Exception):
    """The server's binary or build context can't be prepared; the message says how to fix it."""
