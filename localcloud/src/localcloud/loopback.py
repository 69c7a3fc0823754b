"""Servers on this machine's loopback interface, and who may send them requests.

Web pages and other users of the machine can reach every port on loopback, but must not use these
servers. A page is recognized by its request, which carries an Origin header, or a Host header with
the page's own host even if that name resolves to this machine (DNS rebinding). Other users are
recognized by the kernel's list of sockets, which has the owner of each.
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
    """Return why a request is refused, since it may come from a web page, or None if it isn't.

    Args:
        hosts: the values of its Host headers.
        origins: the values of its Origin headers.
        port: the port that the server listens on.
        names: the host names of the server.
    """
    if origins:
        return "Requests from web pages, which carry an Origin header, are refused."
    if len(hosts) != 1 or not is_known(hosts[0], port=port, names=names):
        return "The Host header must be this server's own name and port."
    return None


def is_known(host: str, *, port: int, names: Sequence[str] = NAMES) -> bool:
    """Report whether a Host header names the server.

    Args:
        host: the header's value.
        port: the port that the server listens on.
        names: the host names of the server.
    """
    return host.lower() in {f"{name}:{port}" for name in names}


def can_identify_users() -> bool:
    """Report whether this system says which user a connection comes from."""
    return SOCKETS[0].exists()


def is_another_user(
    client: tuple[str, int], server: tuple[str, int], sockets: Sequence[Path] = SOCKETS
) -> bool:
    """Report whether a connection comes from another user of this machine than the server's.

    On systems that don't report users, see `can_identify_users`, no connection counts as another
    user's.

    Args:
        client: the IPv4 address and the port of the client.
        server: the IPv4 address and the port of the server.
        sockets: the kernel's lists of sockets.

    Returns:
        Also True for a connection that is closed on the client's side, since its user is no longer
        known, and for root unless the server is root's: a root daemon may forward what others send.
    """
    if not sockets[0].exists():
        return False
    ends = {
        (_encoded(*client, mapped=mapped), _encoded(*server, mapped=mapped))
        for mapped in (False, True)
    }
    for table in sockets:
        # Read each time: the port may have a new owner.
        for line in table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else ():
            _, local, remote, state, _, _, _, user, _, inode, *_ = line.split()
            # A socket that its program has closed is listed as root's, with inode 0.
            if (local, remote) in ends and state == _ESTABLISHED and inode != "0":
                return int(user) != os.geteuid()
    return True


def _encoded(address: str, port: int, *, mapped: bool) -> str:
    """Format an address as in the kernel's lists: words in the machine's byte order."""
    packed = (_MAPPED if mapped else b"") + socket.inet_aton(address)
    words = [
        int.from_bytes(packed[at : at + _WORD], sys.byteorder)
        for at in range(0, len(packed), _WORD)
    ]
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"
