"""A local proxy that adds an access token, for callers that can't send one."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx2

from automation.proxy import Proxy, Request, Response, forward


@contextmanager
def forwarding(http: httpx2.Client, url: str, token: str) -> Iterator[str]:
    """Listen on a free loopback port, and forward requests to a server with a token added.

    Args:
        http: the HTTP client with which to call the server.
        url: the server's URL.

    Yields:
        The local URL.
    """

    def respond(request: Request) -> Response:
        return forward(http, url, request, {"authorization": f"Bearer {token}"})

    with Proxy(respond) as proxy:
        yield f"{proxy.url}{urlsplit(url).path}"
