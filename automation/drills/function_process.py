"""The rotation function on this machine, which can be ended at any of its external calls."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_MODULE: Final = "automation.interrupted_function"
# Lambda's own limit for the function.
LONGEST_RUN: Final = 300.0
_END_SECONDS: Final = 10.0
_TAIL: Final = 1000


RETURNED: Final = "returned"
FAILED: Final = "failed"
KILLED: Final = "killed"


class FunctionProcessError(Exception):
    """The process has ended, or didn't answer in time."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """An invocation of the function.

    Attributes:
        calls: its external calls that have ended, in order: the operations of AWS, and "token
            request".
        ended: RETURNED, FAILED, or KILLED where it was to be.
        message: the exception of one that failed.
    """

    calls: tuple[str, ...]
    ended: str
    message: str


class FunctionProcess:
    """The process; a context manager, which starts and stops it."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        limit: float = LONGEST_RUN,
        repository: Path = _REPOSITORY,
    ) -> None:
        """Prepare the process.

        Args:
            environment: the function's environment variables, which are added to this process's.
            limit: the longest run, in seconds.
            repository: the folder with the function's code.
        """
        self._environment = os.environ | environment
        self._limit = limit
        self._repository = repository

    def __enter__(self) -> Self:
        """Start the process, which imports the function."""
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            cwd=self._repository,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            # A terminal's Ctrl-C is for the drill, and all processes are killed at once.
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the process."""
        with self._errors, self._process as process:
            if kind is not None:
                self._kill()
            elif process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._kill()

    def _kill(self) -> None:
        """Kill the process and the one that it has forked."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def run(
        self,
        event: Mapping[str, Any],
        *,
        calls: int | None = None,
        operation: str | None = None,
    ) -> Run:
        """Invoke the function.

        Args:
            event: its event.
            calls: end it after so many external calls.
            operation: end it after the first call of this operation.

        Raises:
            FunctionProcessError: the process has ended, or takes too long.
        """
        command = {"event": dict(event), "calls": calls, "operation": operation}
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise FunctionProcessError("the function's process has no pipes")
        timer = threading.Timer(self._limit, self._kill)
        timer.start()
        try:
            process.stdin.write(json.dumps(command) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            self._errors.seek(0)
            output = self._errors.read().decode("utf-8", "replace")[-_TAIL:].strip()
            raise FunctionProcessError(
                f"the rotation function's process ended, or took longer than {self._limit:g} s:"
                f" {output or 'it printed nothing'}"
            )
        answer = json.loads(line)
        return Run(calls=tuple(answer["calls"]), ended=answer["ended"], message=answer["message"])
