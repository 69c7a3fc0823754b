"""The HTTPS ports that function URLs and distributions take, from the upper end of the range."""

from collections.abc import Awaitable, Callable, Sequence


class NoPortError(Exception):
    """All ports are in use."""


async def first_open(ports: Sequence[int], listen: Callable[[int], Awaitable[None]]) -> int:
    """Listen on the highest free port, and return it.

    Args:
        ports: the range; App Runner takes from its lower end.
        listen: starts to listen on a port, or raises OSError if it is in use.

    Raises:
        NoPortError: all ports are in use.
    """
    for port in reversed(ports):
        try:
            await listen(port)
        except OSError:
            # Another listener or program uses the port.
            continue
        return port
    raise NoPortError(
        f"All ports from {ports[0]} to {ports[-1]} are in use; start the stand-in with more of them"
        " (--service-ports)."
    )
