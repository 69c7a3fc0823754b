"""How long calls take at a rate, or with a number of callers. Pure.

An instance with the database behind it is modelled as a birth-death process. A call spends `delay`
where nothing queues, and `service` at what limits the rate, which works on a few calls at once and
shares itself among more. Concurrent callers are those of the machine-repairman model; other callers
come at random, as in M/M/c. How service times are distributed makes no difference to the means
where the work is shared.

Now and then all work pauses: garbage is collected, or something else has the processor. Concurrent
callers wait then, while calls at a rate pile up, so the same pauses lengthen their latency more.

Source: Harchol-Balter, "Performance Modeling and Design of Computer Systems", 2013, chapters 13 to
15 for the process and 22 for sharing. White and Christie, "Queuing with Preemptive Priorities or
with Breakdown", Operations Research 6 (1958), for the pauses.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

_NEGLIGIBLE: Final = 1e-7
_RARE: Final = 1e-3
_PRECISION: Final = 1e-6
_REMEMBERED: Final = 128
_REST: Final = tuple(-math.log(1 - share) for share in (1 / 6, 3 / 6, 5 / 6))
"""What is left of a pause that a call meets, in equally probable thirds, as shares of the mean."""
_MOST_STATES: Final = 20_000
_ROOT_TWO: Final = math.sqrt(2)
_ROOT_TWO_PI: Final = math.sqrt(2 * math.pi)


class OverloadError(ValueError):
    """Calls arrive faster than they can be answered."""


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """One instance, with the database behind it.

    Attributes:
        delay: seconds of a call in which it waits for nothing that others use.
        service: seconds of a call at what limits the rate, if it has that alone.
        servers: how many calls that works on at once.
        scaling: how its pace changes if more calls are there, as an exponent of their number: below
            0 it slows down, as where they compete for locks; above 0 it speeds up, as where work is
            done for several at once.
        waking: seconds more of a call at a random time that finds no other: connections, caches and
            processors are idle. A caller that calls again at once doesn't meet that.
        paused: the share of the time, below 1, in which what limits the rate works on nothing.
        pause: how many seconds a pause takes on average.
        spread: the standard deviation of the latency's logarithm, if nobody waits.
        busy_spread: the same where nearly all of the time is waiting.
    """

    delay: float
    service: float
    servers: int
    scaling: float = 0.0
    waking: float = 0.0
    paused: float = 0.0
    pause: float = 0.04
    spread: float = 0.3
    busy_spread: float = 0.3

    @property
    def alone(self) -> float:
        """Seconds that a call takes on average if it waits for no other and meets no pause."""
        return self.delay + self.service

    @property
    def capacity(self) -> float:
        """The calls per second that it answers when as many are there as it works on at once."""
        return self.servers / self.service * (1 - self.paused)

    def completions(self, calls: int) -> float:
        """Return how many calls end per second without a pause while a number of them is there."""
        pace = min(calls, self.servers) / self.service
        return pace * math.pow(max(calls / self.servers, 1.0), self.scaling)

    def seconds(self, others: int) -> float:
        """Return how long a call takes on average that finds a number of others and no pause.

        Pauses that begin later are included.
        """
        return self.delay + (others + 1) / self.completions(others + 1) / (1 - self.paused)


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What callers get.

    Attributes:
        throughput: answered calls per second.
        mean: latency in seconds.
        utilization: how busy what limits the rate is, between 0 and 1.
        callers: how many call at the same time; None if they call at random.
    """

    parameters: Parameters
    throughput: float
    mean: float
    utilization: float
    callers: int | None = None

    @property
    def concurrency(self) -> float:
        """The calls that are under way on average, by Little's law."""
        return self.throughput * self.mean

    def percentile(self, share: float) -> float:
        """Return a percentile of the latency in seconds.

        Args:
            share: such as 0.95.
        """
        shapes = self._shapes
        low = min(center for _, center, _ in shapes) - 4.0
        high = max(center for _, center, _ in shapes) + 4.0
        at = math.fsum(weight * center for weight, center, _ in shapes)
        # Newton's method, and halves where that leaves the interval.
        while True:
            below = slope = 0.0
            for weight, center, width in shapes:
                distance = (at - center) / width
                below += weight * (1 + math.erf(distance / _ROOT_TWO)) / 2
                slope += weight * math.exp(-(distance**2) / 2) / width / _ROOT_TWO_PI
            low, high = (low, at) if below > share else (at, high)
            step = (below - share) / slope if slope else math.inf
            if abs(step) < _PRECISION or high - low < _PRECISION:
                return math.exp(at)
            at = at - step if low < at - step < high else (low + high) / 2

    @cached_property
    def _shapes(self) -> Sequence[tuple[float, float, float]]:
        """Log-normal parts of the latency.

        Each is its weight, and the mean and the standard deviation of the latency's logarithm.
        """
        shapes = list(self._weighed())
        total = math.fsum(weight for weight, _, _ in shapes)
        return [(weight / total, center, width) for weight, center, width in shapes]

    def _weighed(self) -> Iterator[tuple[float, float, float]]:
        found = self._found()
        least = max(max(each) for each in found) * _RARE
        for others, there in enumerate(found):
            seconds = self.parameters.seconds(others)
            working = self.parameters.alone / seconds
            spread = self.parameters.spread * working + self.parameters.busy_spread * (1 - working)
            if self.callers is None and not others:
                seconds += self.parameters.waking
            if there.working > least:
                yield there.working, math.log(seconds) - spread**2 / 2, spread
            if there.paused > least:
                for share in _REST:
                    center = math.log(seconds + self.parameters.pause * share) - spread**2 / 2
                    yield there.paused / len(_REST), center, spread

    def _found(self) -> "Sequence[_There]":
        """Return how often a call finds each number of others, relative to each other."""
        # The spreads change nothing here, so what differs in them alone is calculated once.
        parameters = replace(self.parameters, spread=0.0, busy_spread=0.0)
        if self.callers is None:
            # Who calls at random finds the average (PASTA).
            return _rate_there(parameters, self.throughput)
        # The fewer are there, the more can call.
        there = _callers_there(parameters, self.callers)
        return [
            _There(each.working * waiting, each.paused * waiting)
            for waiting, each in zip(range(self.callers, 0, -1), there, strict=False)
        ]


def predict_callers(parameters: Parameters, callers: int) -> Prediction:
    """Predict what concurrent callers get, each of which waits for an answer before its next call.

    Args:
        callers: at least 1.
    """
    there = _callers_there(parameters, callers)
    # Those who aren't there are in the delay.
    throughput = (callers - _average(there)) / parameters.delay
    return Prediction(
        parameters=parameters,
        throughput=throughput,
        mean=callers / throughput,
        utilization=_utilization(parameters, there),
        callers=callers,
    )


def predict_rate(parameters: Parameters, rate: float) -> Prediction:
    """Predict what callers get who call at random, however long calls take.

    Args:
        rate: calls per second.

    Raises:
        OverloadError: it can't answer as many.
    """
    there = _rate_there(parameters, rate)
    return Prediction(
        parameters=parameters,
        throughput=rate,
        mean=parameters.delay + parameters.waking * there[0].total + _average(there) / rate,
        utilization=_utilization(parameters, there),
    )


class _There(NamedTuple):
    """With which probability a number of calls is at what limits the rate.

    Attributes:
        working: while it works.
        paused: while it pauses.
    """

    working: float
    paused: float

    @property
    def total(self) -> float:
        return self.working + self.paused


@lru_cache(maxsize=_REMEMBERED)
def _callers_there(parameters: Parameters, callers: int) -> Sequence[_There]:
    arrivals = [(callers - calls) / parameters.delay for calls in range(callers + 1)]
    return _normalized(list(_balance(parameters, arrivals)))


@lru_cache(maxsize=_REMEMBERED)
def _rate_there(parameters: Parameters, rate: float) -> Sequence[_There]:
    found: list[tuple[float, _There]] = []
    highest = 0.0
    for logarithm, there in _balance(parameters, itertools.repeat(rate, _MOST_STATES)):
        found.append((logarithm, there))
        highest = max(highest, logarithm)
        if logarithm < highest + math.log(_NEGLIGIBLE):
            return _normalized(found)
        completions = parameters.completions(len(found)) * (1 - parameters.paused)
        if rate >= completions and len(found) > parameters.servers:
            break
    raise OverloadError(f"{rate:g} calls per second are too many")


def _balance(parameters: Parameters, arrivals: Iterable[float]) -> Iterator[tuple[float, _There]]:
    """Yield how probable each number of calls is, relative to none.

    That follows from what is known of fewer calls: as many calls arrive at a number as end at the
    next one, and a pause begins with a number or reaches it by an arrival as often as it leaves it.

    Args:
        arrivals: per second, at each number of calls.

    Yields:
        The logarithm of a factor, which may be too large for a number, and both probabilities
        without it.
    """
    ends = 1 / parameters.pause
    begins = ends * parameters.paused / (1 - parameters.paused)
    logarithm, working, paused_arrivals = 0.0, 1.0, 0.0
    for calls, rate in enumerate(arrivals):
        there = _There(working, (begins * working + paused_arrivals) / (rate + ends))
        yield logarithm, there
        logarithm += math.log(there.total)
        paused_arrivals = rate * there.paused / there.total
        working = rate / parameters.completions(calls + 1)


def _normalized(found: Sequence[tuple[float, _There]]) -> Sequence[_There]:
    highest = max(logarithm for logarithm, _ in found)
    factors = [math.exp(logarithm - highest) for logarithm, _ in found]
    total = math.fsum(
        factor * there.total for factor, (_, there) in zip(factors, found, strict=True)
    )
    return [
        _There(factor * there.working / total, factor * there.paused / total)
        for factor, (_, there) in zip(factors, found, strict=True)
    ]


def _average(there: Sequence[_There]) -> float:
    return math.fsum(calls * each.total for calls, each in enumerate(there))


def _utilization(parameters: Parameters, there: Sequence[_There]) -> float:
    """Return how busy it is on average while it doesn't pause."""
    idle = sum(
        each.working * (parameters.servers - calls)
        for calls, each in enumerate(there[: parameters.servers])
    )
    return 1 - idle / parameters.servers / (1 - parameters.paused)
