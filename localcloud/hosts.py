"""Which HTTP requests a server on this machine answers: only those that no web page can have sent.

A page in a browser can send requests to any port of this machine. It can't hide that from the
server: the request carries an Origin header, or the name of the page's own host (also where that
name resolves to this machine, as in DNS rebinding).
"""

from collections.abc import Sequence
from typing import Final

NAMES: Final = ("localhost", "127.0.0.1", "[::1]", "host.docker.internal")
"""The names of this machine, for its own programs and for its containers."""


def refusal(
    *, hosts: Sequence[str], origins: Sequence[str], port: int, names: Sequence[str] = NAMES
) -> str | None:
    """Decide whether a request may come from a web page.

    Args:
        hosts: the values of its Host headers.
        origins: the values of its Origin headers.
        port: the port that the server listens on.
        names: the host names that the server has.

    Returns:
        Why the request is refused; None where it isn't.
    """
    if origins:
        return "Requests from web pages, which carry an Origin header, are refused."
    if len(hosts) != 1:
        return "A request needs exactly one Host header."
    return None if is_known(hosts[0], port=port, names=names) else "The Host header is foreign."


def is_known(host: str, *, port: int, names: Sequence[str] = NAMES) -> bool:
    """Decide whether a Host header names a server.

    Args:
        host: the header's value.
        port: the port that the server listens on.
        names: the host names that the server has.

    Returns:
        True where the name and the port are the server's.
    """
    return host.lower() in {f"{name}:{port}" for name in names}
