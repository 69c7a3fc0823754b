"""Lets the first signal end a drill, but not what restores things afterwards."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from automation.interruption import HANDLED, end_at_once


class Interruptions:
    """Handles the signals that end a command, while it is entered.

    The first ends the drill, and what it changed is restored. The second ends the process at once,
    as it does everywhere.

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
        before = {number: signal.signal(number, self._take) for number in HANDLED}
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

    def _take(self, number: int, _frame: FrameType | None) -> None:
        # A terminal that closes sends SIGHUP by itself and through its shell.
        if self.requested and number != signal.SIGHUP:
            end_at_once(number)
        self.requested = True
        if self._interruptible:
            self._interruptible = False
            raise KeyboardInterrupt
