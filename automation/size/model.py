"""How long calls take at a rate, or with a number of callers. Pure.

An instance with the database behind it is modelled as a birth-death process. A call spends `delay`
where nothing queues, and `service` at what limits the rate, which works on a few calls at once and
shares itself among more. Concurrent callers are those of the machine-repairman model; other callers
come at random, as in M/M/c. How service times are distributed makes no difference to the means
where the work is shared.

Source: Harchol-Balter, "Performance Modeling and Design of Computer Systems", 2013, chapters 13 to
15 for the process and 22 for sharing.
"""

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

_NEGLIGIBLE: Final = 1e-7
_RARE: Final = 1e-5
_PRECISION: Final = 1e-3
_REMEMBERED: Final = 128
_MOST_STATES: Final = 20_000


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
        spread: the standard deviation of the latency's logarithm, if nobody waits.
        busy_spread: the same where nearly all of the time is waiting.
    """

    delay: float
    service: float
    servers: int
    scaling: float = 0.0
    waking: float = 0.0
    spread: float = 0.3
    busy_spread: float = 0.3

    @property
    def alone(self) -> float:
        """Seconds that a call takes on average if it waits for no other."""
        return self.delay + self.service

    @property
    def capacity(self) -> float:
        """The calls per second that it answers when as many are there as it works on at once."""
        return self.servers / self.service

    def completions(self, calls: int) -> float:
        """Return how many calls end per second while a number of them is there."""
        if calls <= self.servers:
            return calls / self.service
        return self.capacity * math.pow(calls / self.servers, self.scaling)

    def seconds(self, others: int) -> float:
        """Return how long a call takes on average that finds a number of others there."""
        return self.delay + (others + 1) / self.completions(others + 1)


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
        shapes = [
            (weight, *self._shape(others))
            for others, weight in enumerate(self._found())
            if weight > _RARE
        ]
        total = sum(weight for weight, _, _ in shapes)
        low = min(center for _, center, _ in shapes) - 4.0
        high = max(center for _, center, _ in shapes) + 4.0
        while high - low > _PRECISION:
            middle = (low + high) / 2
            below = sum(
                weight * _normal((middle - center) / spread) for weight, center, spread in shapes
            )
            low, high = (middle, high) if below < share * total else (low, middle)
        return math.exp((low + high) / 2)

    def _found(self) -> Sequence[float]:
        """Return with which probability a call finds each number of others."""
        # The spreads change nothing here, so what differs in them alone is calculated once.
        parameters = replace(self.parameters, spread=0.0, busy_spread=0.0)
        if self.callers is None:
            # Who calls at random finds the average (PASTA).
            return _rate_there(parameters, self.throughput)
        # A caller finds what there would be without it (the arrival theorem).
        return _callers_there(parameters, self.callers - 1)

    def _shape(self, others: int) -> tuple[float, float]:
        """Return the mean and the standard deviation of the latency's logarithm."""
        seconds = self.parameters.seconds(others)
        working = self.parameters.alone / seconds
        if self.callers is None and not others:
            seconds += self.parameters.waking
        spread = self.parameters.spread * working + self.parameters.busy_spread * (1 - working)
        return math.log(seconds) - spread**2 / 2, spread


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
        mean=parameters.delay + parameters.waking * there[0] + _average(there) / rate,
        utilization=_utilization(parameters, there),
    )


@lru_cache(maxsize=_REMEMBERED)
def _callers_there(parameters: Parameters, callers: int) -> Sequence[float]:
    """Return with which probability each number of calls is at what limits the rate."""
    logarithm, logarithms = 0.0, [0.0]
    for calls in range(callers):
        arrivals = (callers - calls) / parameters.delay
        logarithm += math.log(arrivals / parameters.completions(calls + 1))
        logarithms.append(logarithm)
    return _normalized(logarithms)


@lru_cache(maxsize=_REMEMBERED)
def _rate_there(parameters: Parameters, rate: float) -> Sequence[float]:
    logarithms = [0.0]
    highest = 0.0
    while logarithms[-1] > highest + math.log(_NEGLIGIBLE):
        completions = parameters.completions(len(logarithms))
        if rate >= completions and len(logarithms) > parameters.servers:
            raise OverloadError(f"{rate:g} calls per second are too many")
        logarithms.append(logarithms[-1] + math.log(rate / completions))
        highest = max(highest, logarithms[-1])
        if len(logarithms) > _MOST_STATES:
            raise OverloadError(f"{rate:g} calls per second are too many")
    return _normalized(logarithms)


def _normalized(logarithms: Sequence[float]) -> Sequence[float]:
    highest = max(logarithms)
    weights = [math.exp(each - highest) for each in logarithms]
    total = sum(weights)
    return [each / total for each in weights]


def _average(there: Sequence[float]) -> float:
    return math.fsum(map(operator.mul, there, range(len(there))))


def _utilization(parameters: Parameters, there: Sequence[float]) -> float:
    idle = sum(
        weight * (parameters.servers - calls)
        for calls, weight in enumerate(there[: parameters.servers])
    )
    return 1 - idle / parameters.servers


def _normal(value: float) -> float:
    return (1 + math.erf(value / math.sqrt(2))) / 2
