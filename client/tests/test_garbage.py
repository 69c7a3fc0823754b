"""Both clients against servers that return garbage."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from client.tests.site import Answer, Site, rows
from neo4j_mcp_client import (
    BackOff,
    ClientCredentials,
    Hop,
    Neo4jMcp,
    Neo4jMcpError,
    NetworkError,
    TokenProvider,
    TokenRequestError,
)

Call = Callable[..., Any]


def answer(
    body: bytes, *headers: str, status: str = "200 OK", length: int | str | None = None
) -> bytes:
    """Write an HTTP answer, headers and all, as bytes that no library has checked."""
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(body) if length is None else length}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def text_answer(text: bytes) -> bytes:
    """Create an MCP result with a value as JSON text."""
    return answer(
        b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":' + text + b"}]}}"
    )


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
DEEP = b"[" * 100_000
GARBAGE = {
    "nothing": b"",
    "not HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a status that is no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "half of the headers": b"HTTP/1.1 200 OK\r\nContent-Type: appl",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\n{}",
    "thousands of headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    "two lengths": answer(b"{}", "Content-Length: 5"),
    "a length that is no number": answer(b"{}", length="many"),
    "a negative length": answer(b"{}", length=-2),
    "half of the body": answer(b'{"jsonrpc"', length=100),
    "a chunk without a size": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "half of a chunk": CHUNKED + b"ff\r\n{}",
    "gzip that is none": answer(b"this is no gzip", "Content-Encoding: gzip"),
    "half of a gzip": answer(gzip.compress(b"{}" * 99)[:20], "Content-Encoding: gzip"),
    "deflate that is none": answer(b"\xff\xff\xff", "Content-Encoding: deflate"),
    "bytes that are no text": answer(b"\xff\xfe\xfa"),
    "a charset that is none": answer(b"\xff{}", "Content-Type: text/html; charset=klingon"),
    "JSON nested too deep": answer(DEEP),
    "a list": answer(b"[]"),
    "null": answer(b"null"),
    "a number too long for Python": answer(b"1" * 10_000),
    "a redirect to nowhere": answer(b"", "Location: ", status="302 Found"),
    "a redirect that is no URL": answer(b"", "Location: http://[::1", status="302 Found"),
    "a redirect that is no text": answer(b"", "Location: /\xff\xfe", status="302 Found"),
    "a redirect to a port that is none": answer(b"", "Location: http://a:b/", status="307 T"),
    "a redirect to a long label": answer(
        b"",
        "Location: http://" + "\u00fc" * 100 + ".example/",
        status="308 P",
    ),
    "a redirect to another scheme": answer(b"", "Location: file:///etc/passwd", status="302 Found"),
    "a wait without end": answer(b"", f"Retry-After: {'9' * 5000}", status="429 Too Many"),
    "a date without end": answer(
        b"", "Retry-After: Fri, 31 Dec 99999999 23:59:59 GMT", status="503 Unavailable"
    ),
    "a switch of protocols": b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n",
    "cookies that are none": answer(b"{", "Set-Cookie: =;=;\x01", "Set-Cookie: a=b; Expires=never"),
}
RESULTS = {
    "no content": answer(b'{"result": {"content": null}}'),
    "content that is text": answer(b'{"result": {"content": ["x"]}}'),
    "text that is a number": text_answer(b"5"),
    "rows nested too deep": text_answer(b'"' + DEEP + b'"'),
    "a row that is a list": text_answer(b'"[[1]]"'),
    "an error that is a list": answer(b'{"error": [], "result": []}'),
}
TOKENS = {
    "with a line break": answer(b'{"access_token": "a\\r\\nX: 1", "expires_in": 3600}'),
    "beyond ASCII": answer('{"access_token": "é", "expires_in": 3600}'.encode()),
    "that is a number": answer(b'{"access_token": 1}'),
}


@contextmanager
def raw(content: bytes) -> Iterator[str]:
    """Run a server that reads a request and answers with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    try:
                        _read_request(connection)
                        connection.sendall(content)
                    except OSError:
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://localhost:{listener.getsockname()[1]}/"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _read_request(connection: socket.socket) -> None:
    # All of it, or closing resets the connection before the answer is read.
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    (length,) = (
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65536)


@pytest.fixture
def quick() -> BackOff:
    return BackOff(attempts=1)


@pytest.mark.parametrize(
    "content", [*GARBAGE.values(), *RESULTS.values()], ids=[*GARBAGE, *RESULTS]
)
def test_any_server_response_is_rows_or_a_library_error(
    call: Call, content: bytes, endpoint: Site
) -> None:
    with raw(content) as url, pytest.raises(Neo4jMcpError) as raised:
        call("write", "CREATE (:Person)", url=url)
    assert raised.value.hop in {Hop.HOST, Hop.SERVER}
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("content", [*GARBAGE.values(), *TOKENS.values()], ids=[*GARBAGE, *TOKENS])
def test_any_token_response_is_a_token_or_a_library_error(
    credentials: ClientCredentials, content: bytes
) -> None:
    with raw(content) as url:
        tokens = TokenProvider(
            replace(credentials, token_url=url), back_off=BackOff(attempts=1), timeout=5
        )
        with pytest.raises((TokenRequestError, NetworkError)) as raised:
            tokens.token()
    assert raised.value.hop is Hop.TOKEN_ENDPOINT


@pytest.mark.parametrize(
    "expires_in", ["1e999", "1" + "0" * 400, "-1", "NaN", '"soon"', "null", "[]", "true"]
)
def test_a_lifetime_that_is_none_makes_a_token_that_is_used_once(
    credentials: ClientCredentials, expires_in: str
) -> None:
    content = answer(b'{"access_token": "abc", "expires_in": ' + expires_in.encode() + b"}")
    with raw(content) as url:
        token = TokenProvider(replace(credentials, token_url=url)).token()
    assert token.value == "abc"
    assert token.lifetime in {0.0, 1.0}


def test_the_cause_is_kept_without_the_request(tokens: TokenProvider) -> None:
    with (
        raw(GARBAGE["half of the body"]) as url,
        Neo4jMcp(url, tokens) as neo4j,
        pytest.raises(NetworkError) as raised,
    ):
        neo4j.write("CREATE (:Person)")
    cause = raised.value.__cause__
    assert cause is not None
    assert not hasattr(cause, "request")
    assert raised.value.may_have_run


def test_the_server_is_fine_otherwise(call: Call, server: Site) -> None:
    server.answer = lambda _: Answer(body=rows({"n": 1}).body)
    assert call("read", "RETURN 1 AS n") == [{"n": 1}]
