"""When calls are due: phases with a rate of calls, or a number of concurrent callers."""

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

_SPIKE_PARTS: Final = 3
# The sum of the phases' calls isn't exact.
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of a run.

    Attributes:
        seconds: how long it is.
        start: calls per second at its start; 0 for concurrent callers.
        end: calls per second at its end.
        measured: whether its calls count in the results.
    """

    name: str
    seconds: float
    start: float = 0.0
    end: float = 0.0
    measured: bool = True

    @property
    def calls(self) -> float:
        """How many calls are due in it."""
        return (self.start + self.end) / 2 * self.seconds

    def reached(self, calls: float) -> float:
        """Return the seconds after which a number of calls has become due."""
        slope = (self.end - self.start) / self.seconds
        # The stable form of the quadratic formula, which also covers a slope of 0.
        root = math.sqrt(max(self.start**2 + 2 * slope * calls, 0.0))
        return 2 * calls / (self.start + root) if calls else 0.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run: its phases, one after another.

    Attributes:
        callers: how many callers make the calls, each waiting for its last one; None if calls
            are made when they are due, however long the others take.
        seed: decides when calls are due at random, as those of independent callers are (a Poisson
            process); None if they are due evenly.
    """

    phases: tuple[Phase, ...]
    callers: int | None = None
    seed: int | None = None

    @property
    def seconds(self) -> float:
        """How long all phases take."""
        return sum(phase.seconds for phase in self.phases)

    def due(self) -> Iterator[float]:
        """Return when each call is due, in seconds since the start; none for callers."""
        passed, began = 0.0, 0.0
        positions = self._positions()
        position = next(positions)
        for phase in self.phases:
            while position < passed + phase.calls - _ROUNDING:
                yield began + phase.reached(position - passed)
                position = next(positions)
            passed += phase.calls
            began += phase.seconds

    def _positions(self) -> Iterator[float]:
        """Return after how many calls of an even plan each call is due."""
        if self.seed is None:
            yield from itertools.count()
        chance = random.Random(self.seed)  # noqa: S311 - it protects nothing
        position = 0.0
        while True:
            position += chance.expovariate(1.0)
            yield position

    def phase_at(self, at: float) -> Phase | None:
        """Return the phase of a time, in seconds since the start; None after the last one."""
        ends = 0.0
        for phase in self.phases:
            ends += phase.seconds
            if at < ends:
                return phase
        return None

    def until(self, seconds: float) -> "Plan":
        """Return what an interrupted plan was up to a time, in seconds since the start."""
        phases, began = [], 0.0
        for phase in self.phases:
            lasted = min(phase.seconds, seconds - began)
            if lasted <= 0:
                break
            slope = (phase.end - phase.start) / phase.seconds
            phases.append(replace(phase, seconds=lasted, end=phase.start + slope * lasted))
            began += phase.seconds
        return replace(self, phases=tuple(phases))


def steady(rate: float, *, warm_up: float, seconds: float) -> Plan:
    """Plan a constant rate, in calls per second."""
    return Plan(phases=(*_warm_up(rate, warm_up), _constant("steady", rate, seconds)))


def ramp(rate: float, peak: float, *, warm_up: float, seconds: float) -> Plan:
    """Plan a rate that changes evenly."""
    changing = Phase(name="ramp", seconds=seconds, start=rate, end=peak)
    return Plan(phases=(*_warm_up(rate, warm_up), changing))


def spike(rate: float, peak: float, *, warm_up: float, seconds: float) -> Plan:
    """Plan a rate that jumps to a peak for a third of the time, and back."""
    part = seconds / _SPIKE_PARTS
    return Plan(
        phases=(
            *_warm_up(rate, warm_up),
            _constant("before", rate, part),
            _constant("spike", peak, part),
            _constant("after", rate, part),
        )
    )


def concurrent(callers: int, *, warm_up: float, seconds: float) -> Plan:
    """Plan callers that each make one call after another."""
    warming = (Phase(name="warm-up", seconds=warm_up, measured=False),) if warm_up else ()
    return Plan(phases=(*warming, Phase(name="steady", seconds=seconds)), callers=callers)


def _warm_up(rate: float, seconds: float) -> tuple[Phase, ...]:
    if not seconds:
        return ()
    return (Phase(name="warm-up", seconds=seconds, start=rate, end=rate, measured=False),)


def _constant(name: str, rate: float, seconds: float) -> Phase:
    return Phase(name=name, seconds=seconds, start=rate, end=rate)
