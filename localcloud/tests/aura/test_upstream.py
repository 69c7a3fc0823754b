import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import uvloop

from localcloud.aura import handshake
from localcloud.aura.upstream import Upstream

LOOPS: Final = pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
_VERSION: Final = handshake.SUPPORTED[0]

Run = Callable[[Coroutine[Any, Any, None]], None]


class _Database:
    """Keeps what it receives after the handshake."""

    def __init__(self) -> None:
        self.received = b""
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(handshake.REQUEST_SIZE)
        writer.write(handshake.encode(_VERSION))
        self.received = await reader.read()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self.ended.set()


@asynccontextmanager
async def _connected() -> AsyncIterator[tuple[_Database, Upstream]]:
    database = _Database()
    async with await asyncio.start_server(database.serve, "127.0.0.1", 0) as server:
        upstream = await Upstream.open(server.sockets[0].getsockname()[1], _VERSION)
        yield database, upstream
        upstream.close()
        async with asyncio.timeout(20):
            await database.ended.wait()


@LOOPS
def test_what_is_sent_before_a_close_arrives(run: Run) -> None:
    async def main() -> None:
        async with _connected() as (database, upstream):
            await upstream.send(b"one ")
            await upstream.send(b"two")
        assert database.received == b"one two"

    run(main())


@LOOPS
def test_a_closed_connection_is_reset(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with _connected() as (database, upstream):
            upstream.close()
            await database.ended.wait()
            with pytest.raises(ConnectionResetError):
                await upstream.send(b"late")

    run(main())
    assert not caplog.records


async def test_what_is_sent_at_once_is_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[bytes] = []
    async with _connected() as (_, upstream):
        with monkeypatch.context() as patched:
            patched.setattr(asyncio.StreamWriter, "write", lambda _, piece: pieces.append(piece))
            await upstream.send(b"one ")
            await upstream.send(b"two")
            await asyncio.sleep(0)
            await upstream.send(b"three")
            await asyncio.sleep(0)
    assert pieces == [b"one two", b"three"]
