"""A simulated instance: calls wait somewhere, then share a few processors, which pause at times."""

import heapq
import itertools
import math
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
        works: the mean of how long the processors work until a pause; infinite without pauses.
        pauses: the mean of how long a pause is.
    """

    delay: float
    work: float
    servers: int
    shape: float = 4.0
    works: float = math.inf
    pauses: float = 0.04

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
    paused: bool = False
    # When the processors pause or work again.
    turns: float = math.inf

    @classmethod
    def seeded(cls, instance: Instance, seed: int) -> "_Run":
        run = cls(instance, random.Random(seed))  # noqa: S311 - it protects nothing
        run.turns = run.until_turn()
        return run

    def until_turn(self) -> float:
        mean = self.instance.pauses if self.paused else self.instance.works
        return self.random.expovariate(1 / mean) if mean < math.inf else math.inf

    def begin(self, at: float) -> None:
        heapq.heappush(self.arriving, (at + self._gamma(self.instance.delay), at))

    def ended(self, *, calls_again: bool) -> Iterator[_Ended]:
        while self.arriving or self.working:
            pace = min(1.0, self.instance.servers / max(len(self.working), 1))
            if self.paused or not self.working:
                pace = 0.0
            done = self.now + (self.working[0][0] - self.shared) / pace if pace else math.inf
            arrives = self.arriving[0][0] if self.arriving else math.inf
            at = min(done, arrives, self.turns)
            self.shared, self.now = self.shared + (at - self.now) * pace, at
            if at == self.turns:
                self.paused = not self.paused
                self.turns += self.until_turn()
            elif at == arrives:
                _, began = heapq.heappop(self.arriving)
                heapq.heappush(self.working, (self.shared + self._gamma(self.instance.work), began))
            else:
                self.shared, began = heapq.heappop(self.working)
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
