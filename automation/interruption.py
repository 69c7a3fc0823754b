"""Lets a command clean up after a signal, or when nobody reads its output any more.

The first signal (SIGINT, SIGTERM, or the SIGHUP of a terminal that closes) raises
`KeyboardInterrupt` in the main thread, so that each block in progress can clean up. A second one
ends the process at once, with its children. A closed output, as in `make demo | head -4`, counts as
a signal: the next write notices it, in any thread, and later output is dropped. The exit status is
the same as in a shell: 128 plus the signal's number, or SIGPIPE's for a closed output.
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
# A pipe that nobody reads, and a terminal that is closed.
_CLOSED: Final = frozenset({errno.EPIPE, errno.EIO})


class _Shutdown:
    """What has interrupted this process, if anything has."""

    def __init__(self) -> None:
        self.cause: signal.Signals | None = None
        self._output_closed = False

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.cause is None:
            self.cause = signal.SIGPIPE if self._output_closed else signal.Signals(number)
            _terminate_group()
            raise KeyboardInterrupt
        # A terminal that closes sends SIGHUP twice: itself, and through its shell.
        if number != signal.SIGHUP:
            end_at_once(number)

    def on_closed_output(self) -> None:
        if not self._output_closed:
            self._output_closed = True
            # To the process: a signal to this thread alone would not wake the main thread.
            os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def graceful_shutdown() -> Iterator[None]:
    """Handle signals and closed outputs while a command runs, in a program's `main`.

    Raises:
        SystemExit: a signal or a closed output ended the command.
    """
    shutdown = _Shutdown()
    before = {
        number: signal.signal(number, shutdown.on_signal)
        for number in HANDLED
        # A signal that is ignored, as by nohup, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    outputs = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_output(each, shutdown.on_closed_output) for each in outputs)
    try:
        yield
        sys.stdout.flush()
        sys.stderr.flush()
    except (KeyboardInterrupt, SystemExit):
        if shutdown.cause is None:
            raise
        raise SystemExit(_STATUS_OF_A_SIGNAL + shutdown.cause) from None
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(KeyboardInterrupt):
                stream.flush()
        sys.stdout, sys.stderr = outputs
        for number, handler in before.items():
            signal.signal(number, handler)


def end_at_once(number: int) -> None:
    """End this process by a signal's default action, with its children.

    Children in other sessions, such as the services of the stand-in cloud, keep running.
    """
    session = os.getsid(0)
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(child.pid) == session:
                child.kill()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def _terminate_group() -> None:
    """Stop the children in this process's group, for which other threads may be waiting."""
    group = os.getpgrp()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(child.pid) == group:
                child.terminate()


def _output(stream: TextIO, on_closed: Callable[[], None]) -> TextIO:
    """Wrap a stream so that it reports when nobody reads it any more."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError):
        return stream
    stream.flush()
    raw = io.FileIO(descriptor, "w", closefd=False)
    output = _Output(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        # Escape what the encoding lacks, so that no output can raise.
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
            self._drop_output(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._drop_output(error)

    def _drop_output(self, error: OSError) -> None:
        if error.errno not in _CLOSED:
            raise error
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, self.fileno())
        os.close(devnull)
        self.on_closed()
