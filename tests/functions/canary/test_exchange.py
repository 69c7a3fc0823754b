"""Requests over plain sockets: answers that no HTTP server would send on purpose."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from functions.canary.exchange import NoAnswerError, post

Listen = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Answer one connection in a thread, and return the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)
    threads: list[threading.Thread] = []

    def start(answer: Callable[[socket.socket], None]) -> str:
        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(30)
                # All of it: a connection that is closed with unread bytes is reset.
                received = connection.recv(65_536)
                while received.startswith(b"POST") and not received.endswith(b"{}"):
                    received += connection.recv(65_536)
                answer(connection)

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"

    yield start
    listener.close()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def sends(content: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the connection ended without an answer"),
        (b"+OK POP3\r\n", "the answer isn't HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
            "the connection ended within the answer",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"a" * 2_000_000,
            "the answer is larger than 1000000 bytes",
        ),
    ],
    ids=["nothing", "another protocol", "too short", "too large"],
)
def test_what_is_no_answer_is_reported(listen: Listen, content: bytes, reason: str) -> None:
    def answer(connection: socket.socket) -> None:
        # The reader may close the connection before the end.
        try:
            connection.sendall(content)
        except OSError:
            return

    with pytest.raises(NoAnswerError) as raised:
        post(listen(answer), b"{}", {}, limit=30)

    assert str(raised.value) == reason
    assert not raised.value.timed_out


def test_an_answer_that_comes_byte_by_byte_ends_with_the_time_limit(listen: Listen) -> None:
    ended = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not ended.wait(0.05):
            try:
                connection.sendall(b" ")
            except OSError:
                return

    with pytest.raises(NoAnswerError) as raised:
        post(listen(answer), b"{}", {}, limit=1)
    ended.set()

    assert raised.value.timed_out


def test_a_certificate_that_is_not_trusted_is_reported(listen: Listen) -> None:
    url = listen(sends(b"HTTP/1.1 400 Bad Request\r\n\r\n"))

    with pytest.raises(NoAnswerError, match="TLS failed"):
        post(url.replace("http:", "https:"), b"{}", {}, limit=30)


def test_a_name_that_does_not_exist_is_reported() -> None:
    with pytest.raises(NoAnswerError, match="can't be resolved"):
        post("http://nowhere.invalid/mcp", b"{}", {}, limit=30)


def test_an_error_status_is_an_answer(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/mcp").respond_with_response(Response("no", 503))

    answer = post(httpserver.url_for("/mcp"), b"{}", {}, limit=30)

    assert (answer.status, answer.body) == (503, b"no")
