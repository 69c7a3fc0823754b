"""What ends a silent or slow connection, with a server that behaves as a test wants."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from automation.probes.connections import OPEN, Ending, Exchange, watch

_GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def _server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Accept one connection on this machine, and yield the server's URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def _watch(url: str, exchange: Exchange, longest: float = 30.0) -> Ending:
    [ending] = watch(
        url, {"one": exchange}, longest=longest, tls=ssl.create_default_context()
    ).values()
    return ending


def _close(connection: socket.socket) -> None:
    connection.recv(1024)


def _reset(connection: socket.socket) -> None:
    connection.recv(1024)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _refuse(connection: socket.socket) -> None:
    connection.recv(1024)
    connection.sendall(b"HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\n\r\n")


def _answer_and_close(connection: socket.socket) -> None:
    connection.recv(1024)
    connection.sendall(_OK)


@pytest.mark.parametrize(
    ("serve", "answered", "event"),
    [
        (_close, False, "closed"),
        (_reset, False, "reset"),
        (_refuse, False, "408"),
        (_answer_and_close, True, "closed"),
    ],
)
def test_the_server_ends_a_connection(
    serve: Callable[[socket.socket], None], answered: bool, event: str
) -> None:
    with _server(serve) as url:
        assert _watch(url, Exchange(first=_GET, answered=answered)).event == event


def test_a_connection_that_nothing_ends_is_open() -> None:
    watched = threading.Event()

    def serve(_: socket.socket) -> None:
        watched.wait()

    with _server(serve) as url:
        try:
            assert _watch(url, Exchange(first=_GET), longest=0.05) == Ending(
                event=OPEN, seconds=0.05
            )
        finally:
            watched.set()


def test_more_is_sent_again_and_again() -> None:
    received = bytearray()

    def serve(connection: socket.socket) -> None:
        while received.count(b"z") < 3:
            received.extend(connection.recv(1024))
        connection.sendall(_OK)

    with _server(serve) as url:
        ending = _watch(url, Exchange(first=_GET, more=b"z", every=0.01))
    assert ending.event == "200"
    assert bytes(received).startswith(_GET + b"zzz")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.1, "closed after 0 to 5 s"),
        (59.2, "closed after 60 to 75 s"),
        (60.4, "closed after 60 to 75 s"),
        (73.9, "closed after 60 to 75 s"),
        (75.8, "closed after 75 to 90 s"),
        (124.0, "closed after 120 to 180 s"),
        (4000.0, "closed after 3600 s or more"),
    ],
)
def test_a_time_is_a_range_that_starts_with_a_usual_limit(seconds: float, text: str) -> None:
    assert Ending(event="closed", seconds=seconds).text() == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (69.5, "408 after the idle timeout"),
        (80.0, "408 after the idle timeout"),
        (60.5, "408 after 60 to 75 s"),
    ],
)
def test_a_known_limit_is_named(seconds: float, text: str) -> None:
    assert Ending(event="408", seconds=seconds).text({"the idle timeout": 70}) == text


def test_nothing_ended_it() -> None:
    assert Ending(event=OPEN, seconds=130).text() == "open after 130 s"
