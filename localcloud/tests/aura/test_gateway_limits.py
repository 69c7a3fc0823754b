"""The gateway without a database: its limits, and how it reports that."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from localcloud.aura.authentication import Authenticator
from localcloud.aura.chunking import Dechunker, to_chunks
from localcloud.aura.gateway import Gateway
from localcloud.aura.handshake import MANIFEST, SUPPORTED, encode, request
from localcloud.aura.messages import Request, metadata_of
from localcloud.aura.packstream import Structure, pack, unpack
from localcloud.aura.planner import QueryPlanner
from localcloud.aura.upstream import Database

# Nothing listens on port 1.
_UNREACHABLE = Database(1, "neo4j", "hush")

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _no_fetch(_: str) -> Any:  # noqa: ANN401 - JSON is anything
    pytest.fail("the gateway must not fetch anything")


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    gateway = Gateway(
        _UNREACHABLE, Authenticator(_no_fetch), QueryPlanner(_UNREACHABLE), login_seconds=0.5
    )
    async with await asyncio.start_server(gateway.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield reader, writer
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "begun",
    [b"", request(SUPPORTED[0])[:10], request(SUPPORTED[0]), request(SUPPORTED[0]) + b"\0\x10"],
)
async def test_a_client_that_does_not_log_on_in_time_is_disconnected(
    connection: Connection, begun: bytes
) -> None:
    reader, writer = connection
    writer.write(begun)
    async with asyncio.timeout(5):
        rest = await reader.read(100)
        while rest:
            rest = await reader.read(100)


async def test_the_manifest_is_negotiated(connection: Connection) -> None:
    reader, writer = connection
    writer.write(bytes.fromhex("6060b017000001ff000808050002040400000003"))
    assert await reader.readexactly(len(MANIFEST)) == MANIFEST
    writer.write(encode(SUPPORTED[0]) + b"\x80\x00" + to_chunks(pack(Structure(Request.GOODBYE))))
    assert await reader.read() == b""


async def test_an_unreachable_database_is_reported_to_the_client(connection: Connection) -> None:
    reader, writer = connection
    writer.write(request(SUPPORTED[0]))
    assert await reader.readexactly(4) == encode(SUPPORTED[0])
    writer.write(to_chunks(pack(Structure(Request.HELLO, ({"user_agent": "test/1"},)))))
    (frame,) = Dechunker(10_000).feed(await reader.read())
    failure = metadata_of(unpack(frame.payload))
    assert failure["neo4j_code"] == "Neo.TransientError.General.DatabaseUnavailable"


def test_the_repr_does_not_contain_the_password() -> None:
    assert "hush" not in repr(_UNREACHABLE)
