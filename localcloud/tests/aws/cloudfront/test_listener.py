import asyncio
import errno
import socket
import ssl

import aiohttp
import pytest
from aiohttp import web

from localcloud.aws.cloudfront.listener import Listener
from tests.ports import free_ports


async def test_a_connection_that_can_not_be_accepted_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def serve(_request: web.BaseRequest) -> web.Response:
        return web.Response(text="served")

    loop = asyncio.get_running_loop()
    accept, failures = loop.sock_accept, iter([OSError(errno.EMFILE, "too many open files")])

    async def fail_once(listening: socket.socket) -> tuple[socket.socket, object]:
        for failure in failures:
            raise failure
        return await accept(listening)

    monkeypatch.setattr(loop, "sock_accept", fail_once)
    listener = Listener(web.Server(serve), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    [port] = free_ports(1)
    listener.open("127.0.0.1", port)
    try:
        timeout = aiohttp.ClientTimeout(total=30)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://127.0.0.1:{port}/") as response,
        ):
            assert await response.text() == "served"
    finally:
        await listener.close()
