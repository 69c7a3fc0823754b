"""The time of alarms and schedules: real time, which tests can move forward.

Clients stay in real time. Moving the clock makes everything that is stored older for them.
"""

from collections.abc import Callable
from typing import Final

MINUTE: Final = 60


class MovableClock:
    """Real time and an offset, a whole number of minutes."""

    def __init__(self, real: Callable[[], float]) -> None:
        """Start with real time.

        Args:
            real: returns the real time, in seconds since the epoch.
        """
        self._real = real
        self.offset = 0

    def now(self) -> float:
        """Return the time."""
        return self._real() + self.offset

    def move(self, minutes: int) -> None:
        """Move the clock forward."""
        self.offset += minutes * MINUTE

    def from_client(self, time: float) -> float:
        """Convert a client's time, such as a timestamp in a request."""
        return time + self.offset

    def to_client(self, time: float) -> float:
        """Convert a time to a client's, such as for a timestamp in a response."""
        return time - self.offset
