"""toxiproxy makes network faults on open and on new connections, and takes them away again."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from automation.chaos.toxiproxy import (
    FaultProxy,
    Toxic,
    Toxiproxy,
    ToxiproxyError,
    fault_proxy,
)
from automation.loopback import ADDRESS, free_port

# Building toxiproxy takes half a minute once, which is more than all these tests.
pytestmark = [pytest.mark.program, pytest.mark.slow]

_LIMIT = 30.0


@pytest.fixture(scope="session")
def toxiproxy() -> Toxiproxy:
    """Build toxiproxy on first use, as the command does."""
    return Toxiproxy.install()


@pytest.fixture
def echo() -> Iterator[str]:
    """A server that returns what it receives."""
    with socket.create_server((ADDRESS, 0)) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        yield f"{ADDRESS}:{server.getsockname()[1]}"


def _serve(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_return_all, args=(connection,), daemon=True).start()


def _return_all(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        while received := connection.recv(1024):
            connection.sendall(received)


@contextlib.contextmanager
def _proxy(toxiproxy: Toxiproxy, echo: str) -> Iterator[tuple[FaultProxy, int, int]]:
    first, second = free_port(), free_port()
    addresses = [f"{ADDRESS}:{first}", f"{ADDRESS}:{second}"]
    with fault_proxy(toxiproxy, addresses, echo) as proxy:
        yield proxy, first, second


def _connect(port: int) -> socket.socket:
    return socket.create_connection((ADDRESS, port), timeout=_LIMIT)


def _exchange(connection: socket.socket) -> bytes:
    connection.sendall(b"ping")
    return connection.recv(1024)


def test_connections_are_forwarded_from_all_addresses(toxiproxy: Toxiproxy, echo: str) -> None:
    with _proxy(toxiproxy, echo) as (_, *ports):
        for port in ports:
            with _connect(port) as connection:
                assert _exchange(connection) == b"ping"


def test_connections_are_reset_when_data_arrives(toxiproxy: Toxiproxy, echo: str) -> None:
    with _proxy(toxiproxy, echo) as (proxy, port, _), _connect(port) as connection:
        assert _exchange(connection) == b"ping"
        with proxy.toxic(Toxic(kind="reset_peer", attributes={"timeout": 0})):
            # toxiproxy sends a reset only on connections that begin after the fault.
            assert _exchange(connection) == b""
            with _connect(port) as another, pytest.raises(ConnectionResetError):
                _exchange(another)
        with _connect(port) as another:
            assert _exchange(another) == b"ping"


def test_answers_are_late(toxiproxy: Toxiproxy, echo: str) -> None:
    with _proxy(toxiproxy, echo) as (proxy, port, _), _connect(port) as connection:
        with proxy.toxic(Toxic(kind="latency", attributes={"latency": 300})):
            began = time.monotonic()
            assert _exchange(connection) == b"ping"
            assert time.monotonic() - began >= 0.3
        assert _exchange(connection) == b"ping"


def test_connections_are_closed_and_refused(toxiproxy: Toxiproxy, echo: str) -> None:
    with _proxy(toxiproxy, echo) as (proxy, port, second):
        with _connect(port) as connection:
            assert _exchange(connection) == b"ping"
            with proxy.refusing():
                assert connection.recv(1024) == b""
                for each in (port, second):
                    with pytest.raises(ConnectionRefusedError):
                        _connect(each)
        with _connect(port) as connection:
            assert _exchange(connection) == b"ping"


def test_an_address_in_use_is_an_error(toxiproxy: Toxiproxy, echo: str) -> None:
    with (
        pytest.raises(ToxiproxyError, match="address already in use"),
        fault_proxy(toxiproxy, [echo], echo),
    ):
        pass


def test_a_program_that_ends_is_an_error(echo: str) -> None:
    ends = Toxiproxy(path=Toxiproxy.pins.parent / "missing", version="0")
    with pytest.raises(ToxiproxyError, match="can't be run"), fault_proxy(ends, [], echo):
        pass
