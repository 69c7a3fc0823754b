"""Servers on this machine's loopback interface, and who may send them requests.

Neither a web page nor another user of the machine has any business there, though both can reach
every port of it. A page in a browser can't hide: its request carries an Origin header, or the name
of the page's own host (also where that name resolves to this machine, as in DNS rebinding). Another
user is known by the kernel, which lists the owner of each socket.
"""

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ADDRESS: Final = "127.0.0.1"
NAMES: Final = ("localhost", ADDRESS, "[::1]", "host.docker.internal")
"""The names of this machine, for its own programs and for its containers."""

SOCKETS: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""Linux's lists of the sockets of this network namespace; other systems have none."""

_ESTABLISHED: Final = "01"
_MAPPED: Final = bytes(10) + b"\xff\xff"
_WORD: Final = 4


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
    if len(hosts) != 1 or not is_known(hosts[0], port=port, names=names):
        return "The Host header must be this server's own name and port."
    return None


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


def can_tell_users() -> bool:
    """Decide whether this system says which user a connection comes from."""
    return SOCKETS[0].exists()


def is_another_user(
    client: tuple[str, int], server: tuple[str, int], sockets: Sequence[Path] = SOCKETS
) -> bool:
    """Decide whether a connection comes from another user of this machine than the server's.

    Where the system doesn't say, nobody is taken for another user: see `can_tell_users`.

    Args:
        client: the IPv4 address and the port of the client.
        server: the IPv4 address and the port of the server.
        sockets: the kernel's lists of sockets.

    Returns:
        True for another user's connection, and for one that is no longer open on the client's
        side, whose user nobody knows any more. Root is another user too, unless the server is
        root's: a daemon of root's may pass on what others send.
    """
    if not sockets[0].exists():
        return False
    ends = {(_encoded(*client, mapped), _encoded(*server, mapped)) for mapped in (False, True)}
    for table in sockets:
        # Read each time: a port may have another owner by now.
        for line in table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else ():
            _, local, remote, state, _, _, _, user, _, inode, *_ = line.split()
            # A socket that its program has closed is listed as root's, without an inode.
            if (local, remote) in ends and state == _ESTABLISHED and inode != "0":
                return int(user) != os.geteuid()
    return True


def _encoded(address: str, port: int, mapped: bool) -> str:  # noqa: FBT001 - a private function of one caller
    """Write an address as the kernel's lists do: words in the machine's own order of bytes."""
    packed = (_MAPPED if mapped else b"") + socket.inet_aton(address)
    words = [
        int.from_bytes(packed[at : at + _WORD], sys.byteorder)
        for at in range(0, len(packed), _WORD)
    ]
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"
