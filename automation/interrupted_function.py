"""Plays the rotation function on this machine, and ends in the middle of it, as a crash does.

`python -m automation.interrupted_function` reads one JSON object a line, and answers each with one:

    {"event": …, "calls": 3}       end after the third external call; 0: before the first; null: run
                                   to the end
    {"event": …, "operation": "…"} end after the first call of this operation

    {"calls": ["…", …], "ended": "killed" | "returned" | "failed", "message": "…"}

Each event runs in a forked process, so that boto3 is imported once. A call's end and the next
call's start leave everything outside as it is, so one point stands for both.
"""

import json
import os
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any, Final, Self

import boto3
import botocore.session

from functions.rotation.handler import handle

_KILLED: Final = 137
_FAILED: Final = 1


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where an invocation ends.

    Attributes:
        calls: after so many external calls; None: not by their number.
        operation: after the first call of this operation; None: not by its name.
    """

    calls: int | None = None
    operation: str | None = None

    @classmethod
    def from_command(cls, command: dict[str, Any]) -> Self:
        """Read a line's object."""
        return cls(calls=command.get("calls"), operation=command.get("operation"))

    def reached(self, done: list[str]) -> bool:
        """Return whether an invocation ends after these external calls."""
        return len(done) == self.calls or (self.operation is not None and self.operation in done)


class Calls:
    """The external calls of an invocation."""

    def __init__(
        self, point: Point, *, report: Callable[[str], object], end: Callable[[], object]
    ) -> None:
        """Start before the first call.

        Args:
            report: receives the name of each call that has ended.
            end: ends the process.
        """
        self._point = point
        self._report = report
        self._end = end
        self._done: list[str] = []

    def begin(self) -> None:
        """Note that a call begins."""
        if not self._done and self._point.reached(self._done):
            self._end()

    def finish(self, name: str) -> None:
        """Note that a call has ended, whatever its outcome."""
        self._done.append(name)
        self._report(name)
        if self._point.reached(self._done):
            self._end()


class _Opener(urllib.request.BaseHandler):
    """Notes the requests of urllib."""

    # Before the handler that turns a status into an exception.
    handler_order = 0

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        self._calls.begin()
        return request

    def http_response(
        self, _request: urllib.request.Request, response: HTTPResponse
    ) -> HTTPResponse:
        self._calls.finish("token request")
        return response

    https_request = http_request
    https_response = http_response


def watch(calls: Calls) -> None:
    """Have every call of boto3 and urllib in this process noted."""
    session = botocore.session.get_session()
    session.register("before-call", lambda **_: calls.begin())
    session.register("after-call", lambda **found: calls.finish(found["model"].name))
    boto3.setup_default_session(botocore_session=session)
    urllib.request.install_opener(urllib.request.build_opener(_Opener(calls)))


def _run(event: dict[str, Any], point: Point, report: int) -> None:
    """Run an event in this process, and end it."""
    watch(
        Calls(
            point,
            report=lambda name: os.write(report, f"{name}\n".encode()),
            end=lambda: os._exit(_KILLED),
        )
    )
    try:
        handle(event, None)
    except Exception as error:  # the drill reports it  # noqa: BLE001
        os.write(report, f"!{type(error).__name__}: {error}".encode())
        os._exit(_FAILED)
    os._exit(0)


def answer(command: dict[str, Any]) -> dict[str, Any]:
    """Run an event in a forked process, and return how it ended."""
    readable, writable = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(readable)
        _run(command["event"], Point.from_command(command), writable)
    os.close(writable)
    with os.fdopen(readable, encoding="utf-8") as output:
        calls, _, message = output.read().partition("!")
    _, status = os.waitpid(process, 0)
    ended = {0: "returned", _KILLED: "killed"}.get(os.waitstatus_to_exitcode(status), "failed")
    return {"calls": calls.splitlines(), "ended": ended, "message": message}


def main() -> None:
    """Answer each line of standard input."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
