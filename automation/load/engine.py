"""Runs vegeta on a plan, and reads what it recorded.

vegeta makes the calls as fast as it receives them on its standard input (`-lazy -rate=0`), so the
writer decides when each is made: its own pacing has neither phases nor an even change of the rate.
Each call has its number in the URL's fragment, which is in vegeta's results and in no request.

The results are read while calls are made, so that a rejected token is replaced at once. They are
kept in a temporary file without a name, and parsed at the end.
"""

import base64
import datetime as dt
import json
import signal
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

from automation.errors import AutomationError
from automation.load.mix import Entry, Mix
from automation.load.plan import Plan
from automation.load.tokens import ClientToken
from automation.load.vegeta import Vegeta
from neo4j_mcp_client.calls import HEADERS, token_refusal

_TAIL: Final = 1000
_OK: Final = 200
_FAILED_TOOL: Final = b'"isError":true'
"""What a failed tool's result has, as the server writes it; `outcomes` judges it exactly."""
_ENDING: Final = 30.0
"""Seconds that vegeta may take to end after its last call."""


class LoadError(AutomationError):
    """The load can't be made; the message says why."""


def _ignore(_: object) -> None:
    """Do nothing about a token or the end of a call."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is called.

    Attributes:
        url: the MCP endpoint.
        token: returns the access token for the next call, without waiting.
        rejected: called with a token that a call was rejected for.
        ended: called with whether a call seems to have failed, when it has ended.
        stopping: set when the calls were interrupted, by this module or before.
        timeout: seconds that a call may take.
        most: how many calls may be under way at once, if the plan doesn't say; further ones wait,
            which counts as part of their duration.
        socket: the Unix socket to connect to; None for the URL's host.
        headers: the headers of each call, without the token.
    """

    url: str
    token: Callable[[], ClientToken] = field(repr=False)
    rejected: Callable[[str], object] = field(default=_ignore, repr=False)
    ended: Callable[[bool], object] = field(default=_ignore, repr=False)
    stopping: threading.Event = field(default_factory=threading.Event, repr=False)
    timeout: float = 125.0
    most: int = 512
    socket: Path | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: HEADERS)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A call that was made. Times are in seconds since the start of the run.

    Attributes:
        identity: the text in the call's unique parameter.
        client: the client that made it.
        due: when it should have begun.
        sent: when it was passed to vegeta; later than `due` if this machine was too busy.
        ended: when its response was complete.
        status: the HTTP status; 0 without a response.
        error: vegeta's message; empty if there was a successful response.
    """

    entry: Entry
    identity: str
    client: str
    due: float
    sent: float
    ended: float
    status: int
    body: bytes
    error: str


@dataclass(frozen=True, kw_only=True)
class _Sent:
    entry: Entry
    client: str
    due: float | None
    at: float


def attack(
    vegeta: Vegeta, plan: Plan, mix: Mix, target: Target, *, run_id: str
) -> Iterator[Recorded]:
    """Make the calls of a plan, then return each with its response.

    An interruption (`KeyboardInterrupt`) ends the calls early, and sets the target's `stopping`.

    Args:
        run_id: the first part of the texts in unique parameters.

    Raises:
        LoadError: vegeta ended early or can't be run.
    """
    with tempfile.TemporaryFile() as results:
        sender = _Sender(plan, mix, target, run_id)
        _run(vegeta, plan, target, sender, results)
        results.seek(0)
        for line in results:
            result = json.loads(line)
            number = _number(result)
            if number is not None and sender.knows(number):
                yield sender.recorded(number, result)


class _Sender:
    """Writes calls when they are due, and remembers them."""

    def __init__(self, plan: Plan, mix: Mix, target: Target, run_id: str) -> None:
        self._plan = plan
        # By client: in a common order, with clients that take turns, only some would make the rare
        # kinds of calls.
        self._orders = defaultdict[str, Iterator[Entry]](mix.order)
        self._target = target
        self._run_id = run_id
        self._sent: list[_Sent] = []
        self._tokens: list[str] = []
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

    def knows(self, number: int) -> bool:
        """Return whether a call was sent completely: an interruption may come in the middle."""
        return number < len(self._sent)

    def look_at(self, result: Mapping[str, Any]) -> None:
        """Report that a call has ended, and the token of one that was rejected for it."""
        number = _number(result)
        if number is None:
            return
        body = base64.b64decode(result["body"] or "")
        self._target.ended(result["code"] != _OK or _FAILED_TOOL in body)
        if token_refusal(result["code"], body) is not None:
            self._target.rejected(self._tokens[number])

    def recorded(self, number: int, result: Mapping[str, Any]) -> Recorded:
        sent = self._sent[number]
        began = dt.datetime.fromisoformat(result["timestamp"]).timestamp() - self._epoch
        return Recorded(
            entry=sent.entry,
            identity=self._identity(number),
            client=sent.client,
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
        number, token = len(self._sent), self._target.token()
        entry = next(self._orders[token.client])
        headers = {name: [value] for name, value in self._target.headers.items()}
        headers["Authorization"] = [f"Bearer {token.value}"]
        line = {
            "method": "POST",
            "url": f"{self._target.url}#{number}",
            "header": headers,
            "body": base64.b64encode(entry.call(self._identity(number)).body).decode(),
        }
        # The result may arrive before this returns.
        self._tokens.append(token.value)
        stream.write(json.dumps(line).encode() + b"\n")
        stream.flush()
        self._sent.append(_Sent(entry=entry, client=token.client, due=due, at=self._elapsed()))


def _number(result: Mapping[str, Any]) -> int | None:
    # Workers that found the end of the input record a call without a URL.
    fragment = result["url"].rpartition("#")[2]
    return int(fragment) if fragment else None


def _run(vegeta: Vegeta, plan: Plan, target: Target, sender: _Sender, results: IO[bytes]) -> None:
    with (
        tempfile.TemporaryFile() as stderr,
        subprocess.Popen(
            _command(vegeta, plan, target),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            # A terminal's Ctrl-C ends this program, which then ends vegeta.
            start_new_session=True,
        ) as process,
        subprocess.Popen(
            [str(vegeta.path), "encode", "-to=json"],
            stdin=process.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as encoder,
        ThreadPoolExecutor(1, thread_name_prefix="results") as pool,
    ):
        stdin = cast("IO[bytes]", process.stdin)
        # Only the encoder reads it.
        cast("IO[bytes]", process.stdout).close()
        reading = pool.submit(_collect, cast("IO[bytes]", encoder.stdout), results, sender)
        try:
            with _stopping(target):
                sender.send(stdin)
            if plan.callers is not None or target.stopping.is_set():
                # Otherwise it would still make the calls that are in the pipe.
                process.send_signal(signal.SIGINT)
            stdin.close()
            with _stopping(target):
                process.wait(target.timeout + _ENDING)
            # It ends its calls under way even if that wait was interrupted.
            status = process.wait(target.timeout + _ENDING)
            reading.result(_ENDING)
        except BrokenPipeError:
            raise _ended_early(process.wait(_ENDING), stderr) from None
        except (subprocess.TimeoutExpired, TimeoutError):
            raise LoadError(
                f"vegeta didn't end within {target.timeout + _ENDING:g} s of its last call"
            ) from None
        finally:
            process.kill()
            encoder.kill()
            with suppress(BrokenPipeError):
                stdin.close()
        if status:
            raise _ended_early(status, stderr)


@contextmanager
def _stopping(target: Target) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        target.stopping.set()


def _collect(stream: IO[bytes], results: IO[bytes], sender: _Sender) -> None:
    for line in stream:
        results.write(line)
        sender.look_at(json.loads(line))


def _ended_early(status: int, stderr: IO[bytes]) -> LoadError:
    stderr.seek(0)
    said = stderr.read().decode(errors="replace").strip()[-_TAIL:] or "it printed nothing"
    return LoadError(f"vegeta ended with status {status}: {said}")


def _command(vegeta: Vegeta, plan: Plan, target: Target) -> list[str]:
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
    ]
