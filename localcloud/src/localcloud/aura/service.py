"""The emulated Aura as one service: the database, its gateway and its console."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web
from filelock import FileLock, Timeout

from localcloud.aura.authentication import Authenticator
from localcloud.aura.console import Console
from localcloud.aura.credentials import load_or_create
from localcloud.aura.gateway import Gateway
from localcloud.aura.neo4j_process import DatabaseError, Installation, running
from localcloud.aura.oidc import JsonFetcher
from localcloud.aura.planner import QueryPlanner
from localcloud.aura.sso import SsoStore

_BACKLOG: Final = 1024


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The addresses that the service listens on.

    Attributes:
        listen: the gateway's addresses.
        port: the gateway's port on all of them; 0 lets the system choose.
        console_port: the console's port on the loopback interface; 0 lets the system choose.
        tls: the gateway's TLS context.
    """

    listen: Sequence[str]
    port: int
    console_port: int
    tls: ssl.SSLContext


@dataclass(frozen=True)
class RunningService:
    """A service that is ready.

    Attributes:
        bolt_port: the gateway's port.
        console_port: the console's port.
        database_port: the port of the database itself, behind the gateway, on the loopback
            interface.
        credentials_path: the file with the administrator's name and password, as JSON.
        database_died: done once the database has ended by itself; its exception says why.
    """

    bolt_port: int
    console_port: int
    database_port: int
    credentials_path: Path
    database_died: asyncio.Task[None]


@asynccontextmanager
async def serving(
    installation: Installation, endpoints: Endpoints
) -> AsyncIterator[RunningService]:
    """Run the service until the context ends; yield it once it is ready.

    Raises:
        DatabaseError: the database doesn't start, or another service uses its state folder.
        SsoSettingsError: the stored single sign-on settings are damaged.
        OSError: a port is in use, or the state folder can't be written.
    """
    installation.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as stack:
        stack.enter_context(_exclusive_use(installation.state))
        credentials_path = installation.state / "credentials.json"
        credentials = load_or_create(credentials_path)
        fetch = JsonFetcher()
        stack.push_async_callback(fetch.close)
        authenticator = Authenticator(fetch)
        console = Console(credentials, SsoStore(installation.state), authenticator)
        database = await stack.enter_async_context(running(installation, credentials))
        planner = QueryPlanner(database.address)
        stack.callback(planner.close)
        gateway = Gateway(database.address, authenticator, planner)
        bolt_port = await stack.enter_async_context(_listening(gateway, endpoints))
        runner = web.AppRunner(console.application(), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", endpoints.console_port)
        await site.start()
        console_port = int(runner.addresses[0][1])
        yield RunningService(
            bolt_port=bolt_port,
            console_port=console_port,
            database_port=database.address.port,
            credentials_path=credentials_path,
            database_died=database.died,
        )


@contextmanager
def _exclusive_use(state: Path) -> Iterator[None]:
    lock = FileLock(state / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise DatabaseError(f"another emulated Aura uses {state}: stop it first") from None
    try:
        yield
    finally:
        lock.release()


@asynccontextmanager
async def _listening(gateway: Gateway, endpoints: Endpoints) -> AsyncIterator[int]:
    sessions: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.current_task()
        if session is None:
            raise TypeError("a session runs in a task")
        sessions.add(session)
        try:
            await gateway.serve(reader, writer)
        finally:
            sessions.discard(session)

    port = endpoints.port
    servers: list[asyncio.Server] = []
    try:
        for address in endpoints.listen:
            server = await asyncio.start_server(
                serve, address, port, ssl=endpoints.tls, backlog=_BACKLOG
            )
            servers.append(server)
            # All addresses use the port that the system chose for the first.
            port = server.sockets[0].getsockname()[1]
        yield port
    finally:
        for server in servers:
            server.close()
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
