"""Ends a command in order when it is told to stop, or when nobody reads its output any more.

The first signal (SIGINT, SIGTERM, or the SIGHUP of a terminal that closes) raises
`KeyboardInterrupt` in the main thread, so that each block in progress can clean up. A second one
ends the process at once, with its children. A closed output, as in `make demo | head -4`, counts as
a signal: it is noticed at the next write, in whatever thread that is, and what is written after it
is dropped. The exit status is then a shell's: 128 and the number of the signal, SIGPIPE's for a
closed output.
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
# A pipe whose reader has gone, and a terminal that has.
_CLOSED: Final = frozenset({errno.EPIPE, errno.EIO})


class _Ending:
    """What told this process to end, if anything has."""

    def __init__(self) -> None:
        self.cause: signal.Signals | None = None
        self._output_closed = False

    def take_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.cause is None:
            self.cause = signal.SIGPIPE if self._output_closed else signal.Signals(number)
            _terminate_group()
            raise KeyboardInterrupt
        # A terminal that closes sends one by itself and one through its shell.
        if number != signal.SIGHUP:
            end_at_once(number)

    def take_closed_output(self) -> None:
        if not self._output_closed:
            self._output_closed = True
            # To the process: a signal for this thread alone would not wake the main thread.
            os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Handle signals and closed outputs while a command runs; for a program's `main`.

    Raises:
        SystemExit: the command was told to end.
    """
    ending = _Ending()
    before = {
        number: signal.signal(number, ending.take_signal)
        for number in HANDLED
        # One that is ignored, as by nohup, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    outputs = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_output(each, ending.take_closed_output) for each in outputs)
    try:
        yield
        sys.stdout.flush()
        sys.stderr.flush()
    except (KeyboardInterrupt, SystemExit):
        if ending.cause is None:
            raise
        raise SystemExit(_STATUS_OF_A_SIGNAL + ending.cause) from None
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(KeyboardInterrupt):
                stream.flush()
        sys.stdout, sys.stderr = outputs
        for number, handler in before.items():
            signal.signal(number, handler)


def end_at_once(number: int) -> None:
    """End this process as the signal's default action does, and its children with it.

    Children in a session of their own, as the services of the stand-in cloud are, live on.

    Args:
        number: the signal.
    """
    session = os.getsid(0)
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(child.pid) == session:
                child.kill()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def _terminate_group() -> None:
    """Stop the children in this process's group, since other threads may be waiting for them."""
    group = os.getpgrp()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(child.pid) == group:
                child.terminate()


def _output(stream: TextIO, on_closed: Callable[[], None]) -> TextIO:
    """Give a stream that goes where another does, and takes notice when nobody reads it."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError):
        return stream
    stream.flush()
    raw = io.FileIO(descriptor, "w", closefd=False)
    output = _Output(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        # What the encoding lacks is escaped, so that no output makes a traceback.
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
            self._drop_what_nobody_reads(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._drop_what_nobody_reads(error)

    def _drop_what_nobody_reads(self, error: OSError) -> None:
        if error.errno not in _CLOSED:
            raise error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        self.on_closed()
