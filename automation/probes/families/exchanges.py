"""Requests that show after how long a host ends a connection: silent, unfinished or slow."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from automation.probes.connections import Exchange

_LENGTH: Final = 100
_EVERY: Final = 5.0


def unfinished(url: str, *, healthy: str, called: str) -> Mapping[str, Exchange]:
    """Return an exchange of each kind.

    The host has to wait for more of each request, so nothing reaches a database: the body is never
    complete, and its token is none.

    Args:
        url: the host's.
        healthy: a path that is answered with GET.
        called: a path that takes a body.
    """
    host = f"Host: {urlsplit(url).netloc}\r\n"
    get = f"GET {healthy} HTTP/1.1\r\n{host}"
    post = (
        f"POST {called} HTTP/1.1\r\n{host}Authorization: Bearer probe\r\n"
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        f"Content-Length: {_LENGTH}\r\n\r\n{{"
    )
    return {
        "after an answer": Exchange(first=f"{get}\r\n".encode(), answered=True),
        "header without an end": Exchange(first=get.encode()),
        "body without an end": Exchange(first=post.encode()),
        "slow body": Exchange(first=post.encode(), more=b" ", every=_EVERY),
    }
