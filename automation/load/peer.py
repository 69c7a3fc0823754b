"""The Python peer: the PyPI package mcp-neo4j-cypher on the same database, for a comparison.

It is installed with pinned and hashed requirements in an environment in the user's cache folder,
and runs as a process of this machine with the caller's token.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final, cast

from automation.child_process import CommandError
from automation.errors import AutomationError
from automation.installation import install_environment, installing
from automation.load.mix import Entry, Mix
from neo4j_mcp_client.calls import HEADERS, Call, Reply, call_tool, parse_value

_FOLDER: Final = Path(__file__).with_name("peer_server")
_PROGRAM: Final = _FOLDER / "serve.py"
_TAIL: Final = 1000
# The newest version that its release of the MCP SDK accepts.
_HEADERS: Final = {**HEADERS, "MCP-Protocol-Version": "2025-06-18"}
_ENDING: Final = 10.0
_TOOLS: Final[Mapping[str, str]] = {
    "read-cypher": "read_neo4j_cypher",
    "write-cypher": "write_neo4j_cypher",
    "get-schema": "get_neo4j_schema",
}
# The rest of this process's environment, such as AWS's keys, is not for another project's program.
_PASSED_ON: Final = ("HOME", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR")
_EVENT_DATA: Final = b"data:"


class PeerError(AutomationError):
    """The peer can't be installed or started, or it lacks a tool; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A running peer.

    Attributes:
        url: the MCP endpoint.
        socket: the Unix socket that it listens on.
        headers: the headers of each call.
        use: makes it log on with a token.
    """

    url: str
    socket: Path
    headers: Mapping[str, str]
    use: Callable[[str], None] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class _PeerEntry(Entry):
    def call(self, identity: str) -> Call[Any]:
        return call_tool(_TOOLS[self.tool], self.arguments_of(identity), read=_read)


def peer_mix(mix: Mix) -> Mix:
    """Return the same calls of the peer's tools.

    Raises:
        PeerError: it has no such tool.
    """
    if missing := sorted({each.tool for each in mix.entries} - _TOOLS.keys()):
        raise PeerError(f"mcp-neo4j-cypher has no {', '.join(missing)}, which the mix calls")
    return Mix(
        entries=tuple(
            _PeerEntry(
                name=each.name,
                tool=each.tool,
                weight=each.weight,
                arguments=each.arguments,
                unique=each.unique,
            )
            for each in mix.entries
        )
    )


@contextmanager
def running_peer(*, uri: str, database: str, schema_sample_size: int, token: str) -> Iterator[Peer]:
    """Run the peer, which is installed on first use.

    Args:
        uri: the database's address.
        database: the database's name.
        schema_sample_size: how many nodes its schema tool samples.
        token: the token that it logs on with at first.

    Raises:
        PeerError: it can't be installed or started.
    """
    python = _install()
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryFile() as stderr,
        subprocess.Popen(
            [str(python), "-I", str(_PROGRAM)],
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        ) as process,
    ):
        stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        socket = Path(folder) / "peer"
        configuration = {
            "uri": uri,
            "database": database,
            "schemaSampleSize": schema_sample_size,
            "socket": str(socket),
        }

        used = ""

        def send(line: str) -> None:
            try:
                stdin.write(f"{line}\n".encode())
                stdin.flush()
            except BrokenPipeError:
                raise _ended_early(process, stderr) from None

        def use(token: str) -> None:
            nonlocal used
            if token != used:
                send(token)
                used = token

        try:
            send(json.dumps(configuration))
            use(token)
            # It either prints its path or ends, which ends its output too.
            path = stdout.readline().decode().strip()
            if not path:
                raise _ended_early(process, stderr)
            yield Peer(url=f"http://localhost{path}", socket=socket, headers=_HEADERS, use=use)
        finally:
            with suppress(BrokenPipeError):
                stdin.close()
            _end(process)


def _install() -> Path:
    try:
        with installing() as cache:
            return install_environment(cache, "mcp-neo4j-cypher", _FOLDER / "requirements.txt")
    except CommandError as error:
        raise PeerError(
            f"mcp-neo4j-cypher can't be installed: {error}\nIt needs PyPI the first time."
        ) from error


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(_ENDING)
    except subprocess.TimeoutExpired:
        process.kill()


def _ended_early(process: "subprocess.Popen[bytes]", stderr: IO[bytes]) -> PeerError:
    _end(process)
    stderr.seek(0)
    said = stderr.read().decode(errors="replace").strip()[-_TAIL:] or "it printed nothing"
    return PeerError(f"mcp-neo4j-cypher ended with status {process.returncode}: {said}")


def _read(reply: Reply) -> Any:  # noqa: ANN401 - a tool answers any JSON
    """Parse a response, which is a stream with one event."""
    data = [
        line.removeprefix(_EVENT_DATA).strip()
        for line in reply.body.splitlines()
        if line.startswith(_EVENT_DATA)
    ]
    return parse_value(replace(reply, body=data[-1]) if data else reply)
