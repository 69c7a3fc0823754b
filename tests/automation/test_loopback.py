"""Who may send requests to a server on this machine."""

import http.client
import os
import socket
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Final

import httpx2
import pytest

from automation import loopback
from automation.loopback import LocalHandler, LocalServer, is_another_user, refusal
from tests import other_user

_PORT: Final = 4566
_CLIENT: Final = ("127.0.0.1", 0xA123)
_SERVER: Final = ("127.0.0.1", 0x11D6)
_HEADING: Final = "  sl  local_address rem_address   st ...\n"
_PLAIN: Final = ("0100007F:A123", "0100007F:11D6")
_MAPPED: Final = (
    "0000000000000000FFFF00000100007F:A123",
    "0000000000000000FFFF00000100007F:11D6",
)
_OTHERS: Final = os.geteuid() + 1


@pytest.mark.parametrize(
    "host", ["localhost:4566", "127.0.0.1:4566", "[::1]:4566", "host.docker.internal:4566"]
)
def test_this_machines_names_are_accepted(host: str) -> None:
    assert refusal(hosts=[host], origins=[], port=_PORT) is None
    assert refusal(hosts=[host.upper()], origins=[], port=_PORT) is None


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["localhost"],
        ["localhost:80"],
        ["localhost:04566"],
        ["localhost.:4566"],
        ["evil.example:4566"],
        ["localhost.evil.example:4566"],
        ["user@localhost:4566"],
        ["localhost:4566", "localhost:4566"],
        ["localhost:4566, evil.example"],
        ["0.0.0.0:4566"],
        ["2130706433:4566"],
    ],
)
def test_a_foreign_host_is_refused(hosts: list[str]) -> None:
    assert refusal(hosts=hosts, origins=[], port=_PORT) is not None


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:4566", "null", ""])
def test_any_origin_is_refused(origin: str) -> None:
    assert refusal(hosts=["localhost:4566"], origins=[origin], port=_PORT) is not None


def _row(
    ends: tuple[str, str], *, user: int | None = None, state: str = "01", inode: int = 7
) -> str:
    owner = os.geteuid() if user is None else user
    return f"   0: {ends[0]} {ends[1]} {state} 00000000:00000000 00:0 0 {owner} 0 {inode} 1 0\n"


@pytest.mark.parametrize(
    ("four", "six", "another"),
    [
        (_row(_PLAIN), "", False),
        ("", _row(_MAPPED), False),
        (_row(_PLAIN, user=_OTHERS), "", True),
        ("", _row(_MAPPED, user=_OTHERS), True),
        # The server's own end of the connection says nothing about the client.
        (_row((_PLAIN[1], _PLAIN[0])), "", True),
        (_row((_PLAIN[0], "0100007F:11D7")), "", True),
        (_row((_PLAIN[0], "0200007F:11D6")), "", True),
        # Closed: the kernel lists it as root's, without an inode.
        (_row(_PLAIN, state="06", inode=0), "", True),
        (_row(_PLAIN, state="04"), "", True),
        (_row(_PLAIN, inode=0), "", True),
        ("", "", True),
    ],
)
@pytest.mark.skipif(os.uname().machine == "s390x", reason="the rows are of a little-endian machine")
def test_the_kernels_list_shows_a_connections_user(
    tmp_path: Path, four: str, six: str, *, another: bool
) -> None:
    tables = (tmp_path / "tcp", tmp_path / "tcp6")
    for table, row in zip(tables, (four, six), strict=True):
        table.write_text(_HEADING + row, encoding="ascii")
    assert is_another_user(_CLIENT, _SERVER, tables) is another


def test_without_a_list_every_user_is_accepted(tmp_path: Path) -> None:
    missing = (tmp_path / "tcp", tmp_path / "tcp6")
    assert is_another_user(_CLIENT, _SERVER, missing) is False


@pytest.mark.skipif(not loopback.can_identify_users(), reason="this system lists no sockets")
def test_a_connection_of_the_same_user_is_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, peer = server.accept()
        with accepted:
            assert is_another_user(peer, server.getsockname()) is False
            client.close()
            accepted.recv(1)
            assert is_another_user(peer, server.getsockname()) is True


class _Echo(LocalHandler):
    def echo(self) -> None:
        body = self.body()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = echo  # noqa: N815 - http.server's own name


@pytest.fixture
def url() -> Iterator[str]:
    with LocalServer(_Echo) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"host": "evil.example"}, 403),
        ({"content-length": "99999999999"}, 413),
        ({"content-length": "-1"}, 413),
        ({"transfer-encoding": "chunked"}, 411),
    ],
)
def test_a_local_server_refuses_web_pages(url: str, headers: dict[str, str], status: int) -> None:
    address = url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.putrequest("POST", "/", skip_host=True)
    for name, value in ({"host": address, "content-length": "4"} | headers).items():
        connection.putheader(name, value)
    connection.endheaders(b"body" if status == HTTPStatus.OK else None)
    assert connection.getresponse().status == status
    connection.close()


@other_user.as_nobody
def test_a_local_server_refuses_other_users(url: str) -> None:
    ask = """
try:
    urllib.request.urlopen(parameters["url"], b"body", timeout=30).read()
    print(json.dumps("answered"))
except OSError as error:
    print(json.dumps(type(error).__name__))
"""
    assert other_user.run("import json, urllib.request", ask, url=url) != "answered"
    assert httpx2.post(url, content=b"body").text == "body"
