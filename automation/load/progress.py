"""Reports the progress of calls, now and then, while they are made."""

import threading
import time
from collections.abc import Callable
from typing import Final

_INTERVAL: Final = 10.0


class Progress:
    """Counts calls as they end; thread-safe."""

    def __init__(
        self,
        notify: Callable[[str], object],
        *,
        interval: float = _INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to count.

        Args:
            notify: prints a line.
            interval: seconds between two lines, at least.
            clock: returns the time in seconds.
        """
        self._notify = notify
        self._seconds = 0.0
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._calls = self._failed = self._calls_before = 0
        self._started = self._before = clock()

    def start(self, seconds: float) -> None:
        """Start the clock of calls that will take as long."""
        self._seconds = seconds
        self._started = self._before = self._clock()

    def count(self, *, failed: bool) -> None:
        """Count a call, and print a line if the last one was printed long enough before."""
        with self._lock:
            self._calls += 1
            self._failed += failed
            now = self._clock()
            passed = now - self._before
            if passed < self._interval:
                return
            rate = (self._calls - self._calls_before) / passed
            self._before, self._calls_before = now, self._calls
            line = (
                f"… {now - self._started:.0f} of {self._seconds:.0f} s: {self._calls} calls,"
                f" {self._failed} failed, {rate:.1f} per second now"
            )
        self._notify(line)
