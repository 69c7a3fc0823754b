"""A local proxy that adds an access token, for callers that can't send one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpx2

from automation.loopback import LocalHandler, LocalServer

_REQUEST_HEADERS: Final = ("accept", "content-type", "mcp-protocol-version", "mcp-session-id")
_RESPONSE_HEADERS: Final = ("content-type", "mcp-session-id")


@contextmanager
def forwarding(http: httpx2.Client, url: str, token: str) -> Iterator[str]:
    """Listen on a free loopback port, and forward requests to a server with a token added.

    Args:
        http: the HTTP client with which to call the server.
        url: the server's URL.
        token: the access token.

    Yields:
        The local URL.
    """

    class Handler(LocalHandler):
        def forward(self) -> None:
            headers = {
                name: self.headers[name] for name in _REQUEST_HEADERS if name in self.headers
            }
            try:
                response = http.request(
                    self.command,
                    url,
                    content=self.body(),
                    headers=headers | {"authorization": f"Bearer {token}"},
                )
            except httpx2.HTTPError as error:
                self.send_error(HTTPStatus.BAD_GATEWAY, str(error))
                return
            self.send_response(response.status_code)
            for name in _RESPONSE_HEADERS:
                if name in response.headers:
                    self.send_header(name, response.headers[name])
            self.send_header("content-length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

        do_GET = do_POST = do_DELETE = forward  # noqa: N815  http.server's own names

    with LocalServer(Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{server.url}{urlsplit(url).path}"
        finally:
            server.shutdown()
            thread.join()
