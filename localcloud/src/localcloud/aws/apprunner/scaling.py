"""Decides how many instances a service needs, from its concurrent requests. Pure."""

import math
from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ScalingLimits:
    """The limits of an auto scaling configuration.

    Attributes:
        max_concurrency: requests that an instance processes at a time.
        min_size: the fewest instances.
        max_size: the most instances.
    """

    max_concurrency: int
    min_size: int
    max_size: int

    def instances_for(self, concurrency: int) -> int:
        """Return the number of instances within the limits.

        Args:
            concurrency: requests at a time, including refused ones.
        """
        needed = math.ceil(concurrency / self.max_concurrency)
        return min(max(needed, self.min_size), self.max_size)


@dataclass(kw_only=True)
class Demand:
    """The concurrency of the recent past; its peak decides the number of instances.

    Attributes:
        idle_period: seconds for which a peak counts.
    """

    idle_period: float
    _peaks: deque[tuple[float, int]] = field(default_factory=deque)

    def record(self, concurrency: int, at: float) -> None:
        """Record a measurement.

        Args:
            concurrency: requests at a time.
            at: the time, in seconds of a monotonic clock.
        """
        # Only peaks that can still decide are kept: recent ones, without a later higher one.
        while self._peaks and self._peaks[0][0] <= at - self.idle_period:
            self._peaks.popleft()
        while self._peaks and self._peaks[-1][1] <= concurrency:
            self._peaks.pop()
        self._peaks.append((at, concurrency))

    def peak(self, at: float) -> int:
        """Return the highest concurrency of the idle period; 0 without measurements.

        Args:
            at: the current time, in seconds of the same clock.
        """
        # Later peaks are lower, so the first recent one is the highest.
        recent = (
            concurrency
            for recorded_at, concurrency in self._peaks
            if recorded_at > at - self.idle_period
        )
        return next(recent, 0)
