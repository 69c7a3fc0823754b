"""A simulated instance: calls wait somewhere, then share a few processors."""

import heapq
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean

from automation.load.results import percentile
from automation.size.measurements import Level, Sample


@dataclass(frozen=True, kw_only=True)
class Instance:
    """What is simulated. Times are in seconds.

    Attributes:
        delay: the mean of what calls take where nothing queues.
        work: the mean of what they need of a processor.
        shape: of both gamma distributions; 1 is exponential, more varies less.
    """

    delay: float
    work: float
    servers: int
    shape: float = 4.0

    def level_of_callers(self, callers: int, *, calls: int, seed: int) -> Level:
        """Simulate concurrent callers."""
        run = _Run.seeded(self, seed)
        for _ in range(callers):
            run.begin(0.0)
        ended = itertools.islice(run.ended(calls_again=True), calls)
        return Level(callers=callers, samples=(_sample(list(ended)),))

    def level_of_rate(self, rate: float, *, calls: int, seed: int) -> Level:
        """Simulate calls at random times."""
        run = _Run.seeded(self, seed)
        at = 0.0
        for _ in range(calls):
            at += run.random.expovariate(rate)
            run.begin(at)
        return Level(rate=rate, samples=(_sample(list(run.ended(calls_again=False))),))


@dataclass(kw_only=True)
class _Ended:
    began: float
    at: float


@dataclass
class _Run:
    instance: Instance
    random: random.Random
    # When calls reach the processors, with when they began.
    arriving: list[tuple[float, float]] = field(default_factory=list)
    # What the processors have given to each call since the start when a call is done, with when
    # that began.
    working: list[tuple[float, float]] = field(default_factory=list)
    shared: float = 0.0
    now: float = 0.0

    @classmethod
    def seeded(cls, instance: Instance, seed: int) -> "_Run":
        return cls(instance, random.Random(seed))  # noqa: S311 - it protects nothing

    def begin(self, at: float) -> None:
        heapq.heappush(self.arriving, (at + self._gamma(self.instance.delay), at))

    def ended(self, *, calls_again: bool) -> Iterator[_Ended]:
        while self.arriving or self.working:
            pace = min(1.0, self.instance.servers / max(len(self.working), 1))
            done = (
                self.now + (self.working[0][0] - self.shared) / pace
                if self.working
                else float("inf")
            )
            if self.arriving and self.arriving[0][0] < done:
                at, began = heapq.heappop(self.arriving)
                self.shared += (at - self.now) * pace if self.working else 0.0
                self.now = at
                heapq.heappush(self.working, (self.shared + self._gamma(self.instance.work), began))
            else:
                finished, began = heapq.heappop(self.working)
                self.shared, self.now = finished, done
                if calls_again:
                    self.begin(self.now)
                yield _Ended(began=began, at=self.now)

    def _gamma(self, mean: float) -> float:
        shape = self.instance.shape
        return self.random.gammavariate(shape, mean / shape)


def _sample(ended: list[_Ended]) -> Sample:
    measured = ended[len(ended) // 10 :]
    ordered = sorted(each.at - each.began for each in measured)
    return Sample(
        throughput=len(measured) / (measured[-1].at - measured[0].at),
        mean=fmean(ordered),
        p50=percentile(ordered, 0.5),
        p95=percentile(ordered, 0.95),
        failed=0,
        kinds={},
    )
