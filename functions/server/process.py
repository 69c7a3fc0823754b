"""The server's process: starts it, waits until it answers, and passes requests on to it."""

import contextlib
import ctypes
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

from functions.server.events import Request, Response

HOST: Final = "127.0.0.1"
"""The address that the server listens on."""
_HEALTH: Final = "/healthz"
_POLL_SECONDS: Final = 0.005
_STOP_SECONDS: Final = 5.0
_END_SECONDS: Final = 0.1
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class ServerError(Exception):
    """The server can't handle requests."""


class ServerStartError(ServerError):
    """The server didn't start; its log says why."""


class NoAnswerError(ServerError):
    """The server closed the connection without an answer, or didn't answer in time."""


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How the server is run.

    Attributes:
        program: the binary.
        environment: its whole environment, without its address.
        start_seconds: how long it may take until it answers.
        answer_seconds: how long a request may take.
    """

    program: Path
    environment: Mapping[str, str] = field(repr=False)
    start_seconds: float = 8.0
    answer_seconds: float = 70.0


class ServerProcess:
    """The server as a child process, which is started again if it has ended."""

    def __init__(self, settings: ServerSettings) -> None:
        """Prepare, without starting it."""
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def pid(self) -> int | None:
        """The process id; None if it isn't running."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def port(self) -> int:
        """The port that the server listens on; 0 before its first start."""
        return self._port

    def start(self) -> bool:
        """Start the server unless it runs, and wait until it answers.

        Returns:
            Whether it was started.

        Raises:
            ServerStartError: it ended, or didn't answer in time.
        """
        if self.pid is not None:
            return False
        self._port = _free_port()
        parent = os.getpid()
        self._process = subprocess.Popen(
            [executable(self._settings.program)],
            env={
                **self._settings.environment,
                "NEO4J_MCP_HTTP_HOST": HOST,
                "NEO4J_MCP_HTTP_PORT": str(self._port),
            },
            stdin=subprocess.DEVNULL,
            # Lambda writes standard error to the log. Standard output can belong to the runtime.
            stdout=sys.__stderr__,
            preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509  no other thread runs here
        )
        self._wait_until_it_answers()
        return True

    def send(self, request: Request) -> Response:
        """Send a request to the server.

        Raises:
            ServerStartError: the server has to be started, and can't be.
            NoAnswerError: there is no answer; the request may have been handled.
        """
        self.start()
        try:
            return self._exchange(request, self._settings.answer_seconds)
        except ConnectionRefusedError:
            # Nothing was sent: it has just ended.
            self.stop()
            self.start()
            return self._exchange(request, self._settings.answer_seconds)
        except NoAnswerError:
            # A process that ends closes its connections first.
            with contextlib.suppress(subprocess.TimeoutExpired):
                if self._process is not None:
                    self._process.wait(_END_SECONDS)
            raise

    def stop(self) -> None:
        """End the server; it finishes what it has begun, within a time limit."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _exchange(self, request: Request, seconds: float) -> Response:
        # A connection for each request, which takes a fraction of a millisecond. The server could
        # close a kept one just when it is used again, as after a pause of the environment, and then
        # nobody would know whether a write was done.
        connection = http.client.HTTPConnection(HOST, self._port, timeout=seconds)
        try:
            # Not `request`, which would add headers.
            connection.putrequest(request.method, request.target, skip_accept_encoding=True)
            for name, value in request.headers:
                connection.putheader(name, value)
            if request.body or request.method not in {"GET", "HEAD", "OPTIONS"}:
                connection.putheader("content-length", str(len(request.body)))
            # A server that refuses a body by its size answers before it has read all of it.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.endheaders(request.body or None)
            response = connection.getresponse()
            body = response.read()
            return Response(status=response.status, headers=tuple(response.getheaders()), body=body)
        except ConnectionRefusedError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()

    def _wait_until_it_answers(self) -> None:
        process, limit = self._process, self._settings.start_seconds
        deadline = time.monotonic() + limit
        ask = Request(method="GET", target=_HEALTH, headers=(), body=b"")
        while process is not None and process.poll() is None:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                self.stop()
                raise ServerStartError(f"the server didn't answer within {limit:g} s")
            with contextlib.suppress(ConnectionRefusedError, NoAnswerError):
                if self._exchange(ask, remaining).status == HTTPStatus.OK:
                    return
            time.sleep(_POLL_SECONDS)
        status = process.returncode if process is not None else None
        raise ServerStartError(f"the server ended with status {status}; the log says why")


def executable(program: Path) -> str:
    """Return a program that can be executed: a copy, if the file itself can't be.

    Lambda keeps the modes in a package, but not every way to unpack one does.
    """
    if os.access(program, os.X_OK):
        return str(program)
    copy = Path(tempfile.mkdtemp(prefix="server-"), program.name)
    shutil.copyfile(program, copy)
    copy.chmod(0o500)
    return str(copy)


def _free_port() -> int:
    # On Lambda every environment has its own ports. Elsewhere several can share them.
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _die_with(parent: int) -> None:
    """Ask Linux to kill this process with its parent, which Lambda can end at any time."""
    if _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0 or os.getppid() != parent:
        os._exit(1)
