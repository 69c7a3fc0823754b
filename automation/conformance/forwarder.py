"""A forwarder on the loopback that adds a token, for callers that can't send one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import httpx2

from automation.loopback import LocalHandler, LocalServer

_TO_THE_SERVER: Final = ("accept", "content-type", "mcp-protocol-version", "mcp-session-id")
_TO_THE_CALLER: Final = ("content-type", "mcp-session-id")
_BAD_GATEWAY: Final = 502


@contextmanager
def forwarding(http: httpx2.Client, url: str, token: str) -> Iterator[str]:
    """Forward requests from a free port of this machine to a server, with a token.

    Args:
        http: the HTTP client that reaches the server.
        url: the server's URL.
        token: the access token.

    Yields:
        The URL on this machine.
    """

    class Handler(LocalHandler):
        def forward(self) -> None:
            headers = {name: self.headers[name] for name in _TO_THE_SERVER if name in self.headers}
            try:
                answer = http.request(
                    self.command,
                    url,
                    content=self.body(),
                    headers=headers | {"authorization": f"Bearer {token}"},
                )
            except httpx2.HTTPError as error:
                self.send_error(_BAD_GATEWAY, str(error))
                return
            self.send_response(answer.status_code)
            for name in _TO_THE_CALLER:
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_DELETE = forward  # noqa: N815  http.server's own names

    with LocalServer(Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{server.url}{urlsplit(url).path}"
        finally:
            server.shutdown()
            thread.join()
