"""Lets the first signal interrupt a drill, but not the clean-up afterwards."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from automation.interruption import HANDLED, end_at_once


class Interruptions:
    """Handles the signals that end a command.

    The first one ends the drill, and what it changed is restored. The second one ends the process
    at once, as everywhere.

    Attributes:
        requested: whether a signal has arrived.
    """

    def __init__(self) -> None:
        """Start without a signal."""
        self.requested = False
        self._interruptible = False

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals; does nothing outside the main thread, where Python allows none.

        A signal raises only inside `interruptible`.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in HANDLED}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal raise `KeyboardInterrupt`, at once if it has arrived before."""
        self._interruptible = True
        try:
            if self.requested:
                raise KeyboardInterrupt
            yield
        finally:
            self._interruptible = False

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # A terminal that closes sends SIGHUP twice: itself, and through its shell.
        if self.requested and number != signal.SIGHUP:
            end_at_once(number)
        self.requested = True
        if self._interruptible:
            self._interruptible = False
            raise KeyboardInterrupt
