"""What can go wrong while the image's content is put together."""


class ServerImageError(Exception):
    """The server's binary or its build context can't be had; the message says what mends it."""
