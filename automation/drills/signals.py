"""Lets a Ctrl-C end a drill, but never what restores things."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM)


class Interruptions:
    """Takes SIGINT and SIGTERM, which pipelines send, while it is entered.

    Attributes:
        requested: whether one has come.
    """

    def __init__(self) -> None:
        """Begin without one."""
        self.requested = False
        self._interruptible = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take the signals; outside the main thread, where Python takes none, do nothing.

        Yields:
            Nothing. Only inside `interruptible` does a signal interrupt.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._take) for number in _NUMBERS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let the next signal interrupt.

        Yields:
            Nothing.

        Raises:
            KeyboardInterrupt: one has come, at once or before.
        """
        self._interruptible = True
        try:
            if self.requested:
                raise KeyboardInterrupt
            yield
        finally:
            self._interruptible = False

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        if self._interruptible:
            # One is enough: the second Ctrl-C of an impatient person must not stop the undoing.
            self._interruptible = False
            raise KeyboardInterrupt
