"""Counts the requests that a service's proxy receives."""

from collections import Counter
from dataclasses import dataclass

_MILLISECONDS = 1000


@dataclass(frozen=True, kw_only=True)
class RequestCounts:
    """The requests of a period.

    Attributes:
        statuses: responses by the first digit of their status.
        latencies: responses by their latency in whole milliseconds.
        peak: the highest number of requests at a time.
    """

    statuses: Counter[int]
    latencies: Counter[int]
    peak: int

    @property
    def requests(self) -> int:
        """The number of responses."""
        return self.statuses.total()


class RequestCounter:
    """Counts requests as they start and end.

    Attributes:
        in_flight: requests without a response yet.
    """

    def __init__(self) -> None:
        """Start at zero."""
        self.in_flight = 0
        self._peak = 0
        self._statuses: Counter[int] = Counter()
        self._latencies: Counter[int] = Counter()

    def start(self) -> None:
        """Count a request that arrives."""
        self.in_flight += 1
        self._peak = max(self._peak, self.in_flight)

    def end(self) -> None:
        """Count a request that is answered or cancelled."""
        self.in_flight -= 1

    def count(self, status: int, seconds: float) -> None:
        """Count a response.

        Args:
            status: its HTTP status.
            seconds: the time to the end of its body.
        """
        self._statuses[status // 100] += 1
        self._latencies[round(seconds * _MILLISECONDS)] += 1

    def reset(self) -> RequestCounts:
        """Start a new period, and return the counts of the one that ends."""
        counts = RequestCounts(statuses=self._statuses, latencies=self._latencies, peak=self._peak)
        self._statuses, self._latencies, self._peak = Counter(), Counter(), self.in_flight
        return counts
