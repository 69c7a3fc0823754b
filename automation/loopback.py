"""HTTP servers on this machine's loopback interface, which only the same user may call.

A web page and another user of the machine can reach every port too, and are refused. A browser's
request carries an Origin header, or the page's own host name (also if that name resolves to this
machine, as in DNS rebinding). The kernel lists the owner of each socket.
"""

import os
import socket
import sys
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

ADDRESS: Final = "127.0.0.1"
NAMES: Final = ("localhost", ADDRESS, "[::1]", "host.docker.internal")
"""The names of this machine, for its programs and its containers."""

SOCKETS: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""Linux's lists of sockets; other systems have none."""

_ESTABLISHED: Final = "01"
_MAPPED: Final = bytes(10) + b"\xff\xff"
_WORD: Final = 4
_LARGEST_BODY: Final = 16 * 1024 * 1024
_REQUEST_SECONDS: Final = 60.0


def refusal(
    *, hosts: Sequence[str], origins: Sequence[str], port: int, names: Sequence[str] = NAMES
) -> str | None:
    """Return why a request is refused that may come from a web page; None if it isn't.

    Args:
        hosts: the values of its Host headers.
        origins: the values of its Origin headers.
        port: the port that the server listens on.
        names: the server's host names.
    """
    if origins:
        return "Requests with an Origin header, as web pages send them, are refused."
    if len(hosts) != 1 or not is_known(hosts[0], port=port, names=names):
        return "The Host header must be this server's own name and port."
    return None


def is_known(host: str, *, port: int, names: Sequence[str] = NAMES) -> bool:
    """Return whether a Host header has the server's name and port."""
    return host.lower() in {f"{name}:{port}" for name in names}


def free_port() -> int:
    """Choose a port of the loopback interface that is free at the moment."""
    with socket.socket() as chosen:
        chosen.bind((ADDRESS, 0))
        return int(chosen.getsockname()[1])


def can_identify_users() -> bool:
    """Return whether this system shows which user a connection comes from."""
    return SOCKETS[0].exists()


def is_another_user(
    client: tuple[str, int], server: tuple[str, int], sockets: Sequence[Path] = SOCKETS
) -> bool:
    """Return whether a connection comes from another user of this machine than the server's.

    False if the system doesn't show that: see `can_identify_users`.

    Args:
        client: the client's IPv4 address and port.
        server: the server's IPv4 address and port.

    Returns:
        True for another user's connection, and for one that the client has closed, whose user is
        unknown. Root is another user too, unless the server runs as root: a daemon that runs as
        root may forward other users' requests.
    """
    if not sockets[0].exists():
        return False
    ends = {(_encoded(*client, mapped), _encoded(*server, mapped)) for mapped in (False, True)}
    for table in sockets:
        # Not cached: the port's owner may have changed.
        for line in table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else ():
            _, local, remote, state, _, _, _, user, _, inode, *_ = line.split()
            # A socket that its program has closed is listed as root's and without an inode.
            if (local, remote) in ends and state == _ESTABLISHED and inode != "0":
                return int(user) != os.geteuid()
    return True


class LocalServer(ThreadingHTTPServer):
    """An HTTP server on a free port of the loopback interface, for programs of the same user."""

    def __init__(self, handler: type["LocalHandler"]) -> None:
        """Listen on a free port."""
        super().__init__((ADDRESS, 0), handler)

    @property
    def url(self) -> str:
        """The server's URL."""
        return f"http://{ADDRESS}:{self.server_port}"

    def verify_request(self, _: object, client_address: tuple[str, int]) -> bool:
        """Refuse the connections of other users."""
        return not is_another_user(client_address, (ADDRESS, self.server_port))

    def handle_error(self, *_: object) -> None:
        """Print nothing: the error is a caller that has disconnected."""


class LocalHandler(BaseHTTPRequestHandler):
    """Answers requests, except those that a web page may have sent."""

    protocol_version = "HTTP/1.1"
    timeout = _REQUEST_SECONDS
    server: LocalServer

    def parse_request(self) -> bool:
        """Read a request's headers; refuse a web page's request and a body of unknown size."""
        if not super().parse_request():
            return False
        refused = refusal(
            hosts=self.headers.get_all("host", []),
            origins=self.headers.get_all("origin", []),
            port=self.server.server_port,
        )
        if refused is not None:
            self._refuse(HTTPStatus.FORBIDDEN, refused)
        elif self.headers.get("transfer-encoding") is not None:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "A Content-Length header is required.")
        elif not self._length().isdecimal() or int(self._length()) > _LARGEST_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
        else:
            return True
        return False

    def body(self) -> bytes:
        """Read the request's body."""
        return self.rfile.read(int(self._length()))

    def log_message(self, *_: object) -> None:
        """Print nothing: requests contain secrets."""

    def _length(self) -> str:
        return self.headers.get("content-length", "0")

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True
        self.send_error(status, why)


def _encoded(address: str, port: int, mapped: bool) -> str:  # noqa: FBT001 - a private function of one caller
    """Format an address as the kernel's lists do: words in the machine's byte order."""
    packed = (_MAPPED if mapped else b"") + socket.inet_aton(address)
    words = [
        int.from_bytes(packed[at : at + _WORD], sys.byteorder)
        for at in range(0, len(packed), _WORD)
    ]
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"
