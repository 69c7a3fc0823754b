"""A connection to the database behind the gateway."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Self

from localcloud.aura import handshake
from localcloud.aura.chunking import Dechunker, Frame, to_chunks
from localcloud.aura.handshake import Version
from localcloud.aura.messages import LOGON_VERSION, BoltError, Code, Request, Response, read_failure
from localcloud.aura.packstream import Structure, Value, pack, unpack

_AGENT: Final = "aura-gateway/1"
_CONNECT_SECONDS: Final = 10.0
_READ_SIZE: Final = 256 * 1024
# The database is trusted, and the graph determines the size of a record.
_MAX_MESSAGE: Final = 1 << 30


@dataclass(frozen=True)
class Database:
    """The database's Bolt port on the loopback interface, and its administrator's credentials."""

    port: int
    username: str
    password: str = field(repr=False)

    @property
    def auth(self) -> dict[str, Value]:
        """The administrator's credentials as fields of LOGON."""
        return {"scheme": "basic", "principal": self.username, "credentials": self.password}


class Upstream:
    """A connection after the handshake; nobody is logged on yet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wrap an open connection to the database."""
        self._reader = reader
        self._writer = writer
        self._dechunker = Dechunker(_MAX_MESSAGE)
        self._frames: deque[Frame] = deque()
        self._unsent: list[bytes] = []

    @classmethod
    async def open(cls, port: int, version: Version) -> Self:
        """Connect to a port on the loopback interface and agree on a version.

        Raises:
            BoltError: DatabaseUnavailable.
        """
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(handshake.request(version))
                if await reader.readexactly(4) != handshake.encode(version):
                    writer.close()
                    raise database_unavailable()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            raise database_unavailable() from None
        return cls(reader, writer)

    async def send(self, raw: bytes) -> None:
        """Send encoded chunks, in one piece with what is sent until the loop's next iteration.

        Raises:
            ConnectionResetError: the connection is closed.
        """
        # Each piece costs a system call here, and several there.
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._send_now)
        self._unsent.append(raw)
        await self._writer.drain()

    def _send_now(self) -> None:
        # uvloop's transports raise RuntimeError if they are closed.
        if self._unsent and not self._writer.is_closing():
            self._writer.write(b"".join(self._unsent))
        self._unsent.clear()

    async def receive(self) -> list[Frame]:
        """Wait for at least one message; return none once the database closes the connection."""
        frames: list[Frame] = []
        while not frames:
            data = await self._reader.read(_READ_SIZE)
            if not data:
                break
            frames = list(self._dechunker.feed(data))
        return frames

    def close(self) -> None:
        """Close at once, so that the database stops the connection's queries."""
        self._send_now()
        self._writer.transport.abort()

    async def log_on(self, database: Database, version: Version) -> None:
        """Log on as the database's administrator, with the version of the handshake.

        Raises:
            BoltError: the database rejected the credentials.
        """
        hello: dict[str, Value] = {"user_agent": _AGENT, "bolt_agent": {"product": _AGENT}}
        if version < LOGON_VERSION:
            await self.request(Structure(Request.HELLO, (hello | database.auth,)))
            return
        await self.request(Structure(Request.HELLO, (hello,)))
        await self.request(Structure(Request.LOGON, (database.auth,)))

    async def request(self, *requests: Structure) -> tuple[Value, list[list[Value]]]:
        """Send requests and wait for all their responses.

        Returns:
            The last request's SUCCESS, and all records.

        Raises:
            BoltError: the first failure among the responses.
        """
        return await self.request_packed(*(pack(request) for request in requests))

    async def request_packed(self, *requests: bytes) -> tuple[Value, list[list[Value]]]:
        """Send packed requests and wait for all their responses, as `request` does."""
        try:
            await self.send(b"".join(to_chunks(request) for request in requests))
            return await self._responses(len(requests))
        except OSError:
            raise database_unavailable() from None

    async def _responses(self, count: int) -> tuple[Value, list[list[Value]]]:
        records: list[list[Value]] = []
        failed: BoltError | None = None
        summary: Value = None
        while count:
            if not self._frames:
                self._frames.extend(await self.receive())
            if not self._frames:
                raise database_unavailable()
            frame = self._frames.popleft()
            message = unpack(frame.payload)
            match message:
                case Structure(tag=Response.RECORD, fields=(list() as values,)):
                    records.append(values)
                    continue
                case Structure(tag=Response.FAILURE) if failed is None:
                    failed = read_failure(message)
                case _:
                    summary = message
            count -= 1
        if failed is not None:
            raise failed
        return summary, records


def database_unavailable() -> BoltError:
    """Return Neo4j's failure for a database that can't be reached."""
    return BoltError(Code.UNAVAILABLE, "The database is not available.")
