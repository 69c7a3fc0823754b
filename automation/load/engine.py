"""Runs vegeta on a plan, and reads what it recorded.

vegeta makes the calls as fast as it receives them on its standard input (`-lazy -rate=0`), so the
writer decides when each is made: its own pacing has neither phases nor an even change of the rate.
Each call has its number in the URL's fragment, which is in vegeta's results and in no request.
"""

import base64
import datetime as dt
import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

from automation.errors import AutomationError
from automation.load.mix import Entry, Mix
from automation.load.plan import Plan
from automation.load.vegeta import Vegeta
from neo4j_mcp_client.calls import HEADERS

_TAIL: Final = 1000
_ENDING: Final = 30.0
"""Seconds that vegeta may take to end after its last call."""


class LoadError(AutomationError):
    """The load can't be made; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is called.

    Attributes:
        url: the MCP endpoint.
        token: returns the access token for the next call, without waiting.
        timeout: seconds that a call may take.
        most: how many calls may be under way at once, if the plan doesn't say; further ones wait,
            which counts as part of their duration.
        socket: the Unix socket to connect to; None for the URL's host.
        headers: the headers of each call, without the token.
    """

    url: str
    token: Callable[[], str]
    timeout: float = 125.0
    most: int = 512
    socket: Path | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: HEADERS)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A call that was made. Times are in seconds since the start of the run.

    Attributes:
        identity: the text in the call's unique parameter.
        due: when it should have begun.
        sent: when it was passed to vegeta; later than `due` if this machine was too busy.
        ended: when its response was complete.
        status: the HTTP status; 0 without a response.
        error: vegeta's message; empty if there was a successful response.
    """

    entry: Entry
    identity: str
    due: float
    sent: float
    ended: float
    status: int
    body: bytes
    error: str


@dataclass(frozen=True, kw_only=True)
class _Sent:
    entry: Entry
    due: float | None
    at: float


def attack(
    vegeta: Vegeta, plan: Plan, mix: Mix, target: Target, *, run_id: str
) -> Iterator[Recorded]:
    """Make the calls of a plan, then return each with its response.

    Args:
        run_id: the first part of the texts in unique parameters.

    Raises:
        LoadError: vegeta ended early or can't be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "results"
        sender = _Sender(plan, mix, target, run_id)
        _run(vegeta, plan, target, sender, output)
        for result in _read(vegeta, output):
            url = result["url"]
            # Workers that found the end of the input record a call without a URL.
            if url:
                yield sender.recorded(int(url.rpartition("#")[2]), result)


class _Sender:
    """Writes calls when they are due, and remembers them."""

    def __init__(self, plan: Plan, mix: Mix, target: Target, run_id: str) -> None:
        self._plan = plan
        self._order = mix.order()
        self._target = target
        self._run_id = run_id
        self._sent: list[_Sent] = []
        self._started = 0.0
        self._epoch = 0.0

    def send(self, stream: IO[bytes]) -> None:
        self._started, self._epoch = time.monotonic(), time.time()
        if self._plan.callers is None:
            for due in self._plan.due():
                pause = due - self._elapsed()
                if pause > 0:
                    time.sleep(pause)
                self._write(stream, due)
        else:
            # The pipe's limited size is what makes this wait for the callers.
            while self._elapsed() < self._plan.seconds:
                self._write(stream, None)

    def recorded(self, number: int, result: Mapping[str, Any]) -> Recorded:
        sent = self._sent[number]
        began = dt.datetime.fromisoformat(result["timestamp"]).timestamp() - self._epoch
        return Recorded(
            entry=sent.entry,
            identity=self._identity(number),
            # A caller that had to wait for this program to write wasn't waiting for the server.
            due=max(began, sent.at) if sent.due is None else sent.due,
            sent=sent.at,
            ended=began + result["latency"] / 1e9,
            status=result["code"],
            body=base64.b64decode(result["body"] or ""),
            error=result["error"],
        )

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _identity(self, number: int) -> str:
        return f"{self._run_id}-{number}"

    def _write(self, stream: IO[bytes], due: float | None) -> None:
        number, entry = len(self._sent), next(self._order)
        headers = {name: [value] for name, value in self._target.headers.items()}
        headers["Authorization"] = [f"Bearer {self._target.token()}"]
        line = {
            "method": "POST",
            "url": f"{self._target.url}#{number}",
            "header": headers,
            "body": base64.b64encode(entry.call(self._identity(number)).body).decode(),
        }
        stream.write(json.dumps(line).encode() + b"\n")
        stream.flush()
        self._sent.append(_Sent(entry=entry, due=due, at=self._elapsed()))


def _run(vegeta: Vegeta, plan: Plan, target: Target, sender: _Sender, output: Path) -> None:
    with (
        tempfile.TemporaryFile() as stderr,
        subprocess.Popen(
            _command(vegeta, plan, target, output),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            # A terminal's Ctrl-C ends this program, which then ends vegeta.
            start_new_session=True,
        ) as process,
    ):
        stdin = cast("IO[bytes]", process.stdin)
        try:
            sender.send(stdin)
            if plan.callers is not None:
                # Otherwise it would still make the calls that are in the pipe.
                process.send_signal(signal.SIGINT)
            stdin.close()
            status = process.wait(target.timeout + _ENDING)
        except BrokenPipeError:
            raise _ended_early(process.wait(_ENDING), stderr) from None
        except subprocess.TimeoutExpired:
            raise LoadError(
                f"vegeta didn't end within {target.timeout + _ENDING:g} s of its last call"
            ) from None
        finally:
            process.kill()
            with suppress(BrokenPipeError):
                stdin.close()
        if status:
            raise _ended_early(status, stderr)


def _ended_early(status: int, stderr: IO[bytes]) -> LoadError:
    stderr.seek(0)
    said = stderr.read().decode(errors="replace").strip()[-_TAIL:] or "it printed nothing"
    return LoadError(f"vegeta ended with status {status}: {said}")


def _command(vegeta: Vegeta, plan: Plan, target: Target, output: Path) -> list[str]:
    return [
        str(vegeta.path),
        "attack",
        "-lazy",
        "-format=json",
        "-rate=0",
        f"-max-workers={plan.callers or target.most}",
        f"-timeout={target.timeout}s",
        # As the client library: HTTP/1.1, and a redirect isn't followed.
        "-http2=false",
        "-redirects=-1",
        # By default, it would serve metrics on every network interface.
        "-prometheus-addr=",
        f"-unix-socket={target.socket or ''}",
        f"-output={output}",
    ]


def _read(vegeta: Vegeta, output: Path) -> Iterator[Mapping[str, Any]]:
    command = [str(vegeta.path), "encode", "-to=json", str(output)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            for line in cast("IO[bytes]", process.stdout):
                yield json.loads(line)
            if process.wait(_ENDING):
                raise LoadError(f"vegeta can't read its results: status {process.returncode}")
        finally:
            process.kill()
