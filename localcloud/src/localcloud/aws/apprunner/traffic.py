"""What a service's front has counted since the last look."""

from collections import Counter
from dataclasses import dataclass, field

_MILLISECONDS = 1000


@dataclass(frozen=True, kw_only=True)
class TrafficSample:
    """The requests of a period.

    Attributes:
        statuses: answers by the first digit of their status.
        latencies: answers by their latency in whole milliseconds.
        peak: the highest number of requests at a time.
    """

    statuses: Counter[int]
    latencies: Counter[int]
    peak: int

    @property
    def requests(self) -> int:
        """The number of answers."""
        return self.statuses.total()


@dataclass(kw_only=True)
class Traffic:
    """Counts requests as they come and go.

    Attributes:
        in_flight: requests that are not answered yet.
    """

    in_flight: int = 0
    _peak: int = 0
    _statuses: Counter[int] = field(default_factory=Counter)
    _latencies: Counter[int] = field(default_factory=Counter)

    def begin(self) -> None:
        """Count a request in."""
        self.in_flight += 1
        self._peak = max(self._peak, self.in_flight)

    def end(self) -> None:
        """Count a request out, answered or given up."""
        self.in_flight -= 1

    def count(self, status: int, seconds: float) -> None:
        """Count an answer.

        Args:
            status: its HTTP status.
            seconds: what it took, to the end of its body.
        """
        self._statuses[status // 100] += 1
        self._latencies[round(seconds * _MILLISECONDS)] += 1

    def sample(self) -> TrafficSample:
        """Take what was counted, and begin anew.

        Returns:
            The counts since the last sample.
        """
        sample = TrafficSample(statuses=self._statuses, latencies=self._latencies, peak=self._peak)
        self._statuses, self._latencies, self._peak = Counter(), Counter(), self.in_flight
        return sample
