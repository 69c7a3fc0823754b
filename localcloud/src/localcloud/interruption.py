"""Ends a command cleanly on a signal, or when nobody reads its output any more.

The first signal (SIGINT, SIGTERM, or the SIGHUP of a terminal that closes) raises
`KeyboardInterrupt` in the main thread, so that each block in progress can clean up. A second one
ends the process at once, with its children. A closed output, as in `make demo | head -4`, counts as
a signal: the next write notices it, in whatever thread, and everything written afterwards is
discarded. The exit status is the one that shells use: 128 plus the number of the signal, which is
SIGPIPE for a closed output.
"""

import contextlib
import errno
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, TextIO

import psutil

HANDLED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STATUS_OF_A_SIGNAL: Final = 128
# A pipe whose reader has ended, and a terminal that was closed.
_CLOSED: Final = frozenset({errno.EPIPE, errno.EIO})


class _Interruption:
    """The signal or closed output that ended this process, if any."""

    def __init__(self) -> None:
        self.cause: signal.Signals | None = None
        self._output_closed = False

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.cause is None:
            self.cause = signal.SIGPIPE if self._output_closed else signal.Signals(number)
            _terminate_group()
            raise KeyboardInterrupt
        # A terminal that closes sends two: its own, and its shell's.
        if number != signal.SIGHUP:
            kill_with_children(number)

    def on_closed_output(self) -> None:
        if not self._output_closed:
            self._output_closed = True
            # To the process, since a signal to this thread alone wouldn't wake the main thread.
            os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[None]:
    """Handle signals and closed outputs while a program's `main` runs.

    Raises:
        SystemExit: the program was interrupted.
    """
    interruption = _Interruption()
    before = {
        number: signal.signal(number, interruption.on_signal)
        for number in HANDLED
        # A signal that is ignored, as under nohup, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    outputs = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_output(each, interruption.on_closed_output) for each in outputs)
    try:
        yield
        sys.stdout.flush()
        sys.stderr.flush()
    except (KeyboardInterrupt, SystemExit):
        if interruption.cause is None:
            raise
        raise SystemExit(_STATUS_OF_A_SIGNAL + interruption.cause) from None
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(KeyboardInterrupt):
                stream.flush()
        sys.stdout, sys.stderr = outputs
        for number, handler in before.items():
            signal.signal(number, handler)


def kill_with_children(number: int) -> None:
    """End this process and its children, as the signal's default action does.

    Children in other sessions, such as the services of the stand-in, keep running.
    """
    session = os.getsid(0)
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(child.pid) == session:
                child.kill()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def _terminate_group() -> None:
    """Terminate the children in this process's group: other threads may be waiting for them."""
    group = os.getpgrp()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(child.pid) == group:
                child.terminate()


def _output(stream: TextIO, on_closed: Callable[[], None]) -> TextIO:
    """Return a stream with the same target that notices when nobody reads it any more."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError):
        return stream
    stream.flush()
    raw = io.FileIO(descriptor, "w", closefd=False)
    output = _Output(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        # Escapes what the encoding lacks, instead of raising.
        errors="backslashreplace",
        line_buffering=bool(stream.line_buffering),
    )
    output.on_closed = on_closed
    return output


class _Output(io.TextIOWrapper):
    on_closed: Callable[[], None]

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._on_write_error(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._on_write_error(error)

    def _on_write_error(self, error: OSError) -> None:
        if error.errno not in _CLOSED:
            raise error
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)
        self.on_closed()
