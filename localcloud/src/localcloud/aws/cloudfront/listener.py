"""A port that takes both TLS and plain HTTP, as CloudFront does on ports 443 and 80."""

import asyncio
import contextlib
import socket
import ssl
from typing import Final

from aiohttp import web

_TLS_HANDSHAKE: Final = b"\x16"
"""The first byte of every TLS connection. Source: RFC 8446, section 5.1."""
_FIRST_BYTE_SECONDS: Final = 10.0
_BACKLOG: Final = 1024
_PAUSE: Final = 0.1
"""Seconds after a connection that could not be accepted."""


class Listener:
    """Accepts connections, and hands each to the HTTP server with or without TLS."""

    def __init__(self, server: web.Server, context: ssl.SSLContext) -> None:
        """Prepare, without a port.

        Args:
            server: serves the requests.
            context: the certificate of connections over TLS.
        """
        self._server = server
        self._context = context
        self._accepting: asyncio.Task[None] | None = None
        self._connecting: set[asyncio.Task[None]] = set()

    def open(self, host: str, port: int) -> None:
        """Start to listen.

        Raises:
            OSError: the port is in use.
        """
        listening = socket.create_server((host, port), backlog=_BACKLOG)
        listening.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(listening))

    async def close(self) -> None:
        """Stop listening; open connections stay."""
        tasks = [*self._connecting, *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listening:
            while True:
                try:
                    connection, _ = await loop.sock_accept(listening)
                except OSError:
                    # The caller has left, or this process has too many open files for now.
                    await asyncio.sleep(_PAUSE)
                    continue
                task = asyncio.create_task(self._connect(connection))
                self._connecting.add(task)
                task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        # A caller may leave, or never speak TLS properly; that concerns nobody else.
        with contextlib.suppress(OSError, TimeoutError):
            try:
                async with asyncio.timeout(_FIRST_BYTE_SECONDS):
                    first = await _peek(connection)
                is_tls = first == _TLS_HANDSHAKE
                if first:
                    await loop.connect_accepted_socket(
                        self._server, connection, ssl=self._context if is_tls else None
                    )
                    return
            except BaseException:
                connection.close()
                raise
        connection.close()


async def _peek(connection: socket.socket) -> bytes:
    """Return the first byte that a connection receives, which stays unread; empty if it ends."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)
    return connection.recv(1, socket.MSG_PEEK)
