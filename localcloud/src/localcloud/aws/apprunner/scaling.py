"""How many instances a service needs, from the requests it has at a time."""

import math
from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ScalingLimits:
    """An auto scaling configuration's numbers.

    Attributes:
        max_concurrency: requests that an instance takes at a time.
        min_size: instances that always run.
        max_size: instances that run at most.
    """

    max_concurrency: int
    min_size: int
    max_size: int

    def instances_for(self, concurrency: int) -> int:
        """Tell how many instances a concurrency needs.

        Args:
            concurrency: requests at a time, refused ones among them.

        Returns:
            The number of instances, within the limits.
        """
        needed = math.ceil(concurrency / self.max_concurrency)
        return min(max(needed, self.min_size), self.max_size)


@dataclass(kw_only=True)
class Demand:
    """The concurrency of the recent past: scaling out follows its peak, scaling in its absence.

    Attributes:
        idle_period: seconds in which a peak keeps its instances.
    """

    idle_period: float
    _peaks: deque[tuple[float, int]] = field(default_factory=deque)

    def record(self, concurrency: int, at: float) -> None:
        """Take a peak in.

        Args:
            concurrency: requests at a time.
            at: when, in seconds of a steady clock.
        """
        # A smaller, older peak can never decide again.
        while self._peaks and self._peaks[-1][1] <= concurrency:
            self._peaks.pop()
        self._peaks.append((at, concurrency))

    def peak(self, at: float) -> int:
        """Tell the highest concurrency of the idle period.

        Args:
            at: now, in seconds of the same clock.

        Returns:
            The peak; 0 where nothing was recorded.
        """
        while self._peaks and self._peaks[0][0] <= at - self.idle_period:
            self._peaks.popleft()
        return self._peaks[0][1] if self._peaks else 0
