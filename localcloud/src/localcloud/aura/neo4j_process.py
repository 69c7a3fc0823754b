"""The database's process: starts it, waits until it is ready, watches it and stops it."""

import asyncio
import contextlib
import logging
import shutil
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from localcloud.aura.configuration import apoc_conf, neo4j_conf
from localcloud.aura.credentials import Credentials, initial_user
from localcloud.aura.distribution import Distribution
from localcloud.aura.handshake import SUPPORTED
from localcloud.aura.messages import BoltError, Code
from localcloud.aura.upstream import Database, Upstream
from localcloud.errors import LocalCloudError

_START_SECONDS: Final = 300.0
_STOP_SECONDS: Final = 8.0
_MAIN_CLASS: Final = "org.neo4j.server.CommunityEntryPoint"
_STARTED: Final = "Started."
_DIE_WITH_PARENT: Final = Path(__file__).with_name("die_with_parent.py")
_JVM_OPTIONS: Final = (
    "-Xms512m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    # Ten times Java's defaults: otherwise optimizing what only the start runs takes as much
    # processor time as the rest of the start.
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:+DisableAttachMechanism",
    "-XX:-UsePerfData",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
)

_log = logging.getLogger(__name__)


class DatabaseError(LocalCloudError):
    """The database didn't start, or it died."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The files and settings of one database.

    Attributes:
        distribution: its jars.
        java: the Java that runs it, 17 or 21.
        state: the folder of its data, configuration and logs.
        bolt_port: its port on the loopback interface; 0 lets the system choose.
    """

    distribution: Distribution
    java: Path
    state: Path
    bolt_port: int = 0

    @property
    def home(self) -> Path:
        """Neo4j's home folder."""
        return self.state / "neo4j"

    @property
    def command(self) -> list[str]:
        """The command that runs the database until its parent process ends."""
        return [
            sys.executable,
            str(_DIE_WITH_PARENT),
            str(self.java),
            *_JVM_OPTIONS,
            f"-Djava.io.tmpdir={self.home / 'tmp'}",
            "-cp",
            self.distribution.classpath,
            _MAIN_CLASS,
            f"--home-dir={self.home}",
            f"--config-dir={self.home / 'conf'}",
            "--console-mode",
        ]

    def prepare(self, credentials: Credentials) -> None:
        """Write the configuration, the plug-in and, before the first start, the administrator.

        Raises:
            OSError: the state folder can't be written.
        """
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("conf", "plugins", "import", "tmp", "data/dbms"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        (self.home / "conf" / "neo4j.conf").write_text(
            neo4j_conf(bolt_port=self.bolt_port), encoding="utf-8"
        )
        (self.home / "conf" / "apoc.conf").write_text(apoc_conf(), encoding="utf-8")
        for plugin in (self.home / "plugins").iterdir():
            plugin.unlink()
        shutil.copy2(self.distribution.plugin, self.home / "plugins")
        if not (self.home / "data" / "databases" / "system").exists():
            path = self.home / "data" / "dbms" / "auth.ini"
            path.touch(mode=0o600)
            path.write_text(initial_user(credentials), encoding="ascii")


@dataclass(frozen=True)
class RunningDatabase:
    """A database that is ready.

    Attributes:
        address: its address and administrator.
        died: done once the process has ended by itself; its exception says why.
    """

    address: Database
    died: asyncio.Task[None]


@asynccontextmanager
async def running(
    installation: Installation, credentials: Credentials
) -> AsyncIterator[RunningDatabase]:
    """Run the database until the context ends; yield it once its administrator can log on.

    Raises:
        DatabaseError: it didn't start within five minutes; the message has its last output.
    """
    installation.prepare(credentials)
    process = await asyncio.create_subprocess_exec(
        *installation.command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # Ctrl-C reaches only the service, which then stops the database properly.
        start_new_session=True,
    )
    last_lines: deque[str] = deque(maxlen=20)
    started = asyncio.Event()
    watch = asyncio.create_task(_watch(process, last_lines, started))
    try:
        try:
            async with asyncio.timeout(_START_SECONDS):
                waiting = asyncio.create_task(started.wait())
                await asyncio.wait({waiting, watch}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if watch.done():
                    await watch
                address = Database(
                    _listening_port(process.pid), credentials.username, credentials.password
                )
                await _check(address, installation)
        except TimeoutError:
            raise DatabaseError(
                f"Neo4j didn't start within {_START_SECONDS:.0f} s: {_tail(last_lines)}"
            ) from None
        yield RunningDatabase(address, watch)
    finally:
        await _stop(process)
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def _watch(
    process: asyncio.subprocess.Process, last_lines: deque[str], started: asyncio.Event
) -> None:
    if process.stdout is None:
        raise TypeError("the database's output is not piped")
    async for line in process.stdout:
        text = line.decode("utf-8", "replace").rstrip()
        last_lines.append(text)
        _log.debug("neo4j: %s", text)
        if text.endswith(_STARTED):
            started.set()
    status = await process.wait()
    raise DatabaseError(f"Neo4j ended with status {status}: {_tail(last_lines)}")


async def _check(address: Database, installation: Installation) -> None:
    upstream = None
    try:
        upstream = await Upstream.open(address.port, SUPPORTED[0])
        await upstream.log_on(address, SUPPORTED[0])
    except BoltError as error:
        if error.code != Code.UNAUTHORIZED:
            raise DatabaseError(f"Neo4j returned an error at its start: {error.message}") from None
        raise DatabaseError(
            "Neo4j rejected its administrator: the password in the state folder doesn't match the "
            f"database. Remove {installation.state} to start with an empty database."
        ) from None
    finally:
        if upstream is not None:
            upstream.close()


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _listening_port(pid: int) -> int:
    for connection in psutil.Process(pid).net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN:
            return int(connection.laddr.port)
    raise DatabaseError("Neo4j reported that it has started, but it listens on no port")


def _tail(lines: deque[str]) -> str:
    return " | ".join(lines) or "it printed nothing"
