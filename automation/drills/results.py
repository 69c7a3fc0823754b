"""What a drill found, as data: its verdict, what was done when, and what callers met meanwhile."""

from collections.abc import Mapping
from typing import Literal

from automation.checks.results import AnyReport, Data, Result, Text


class Event(Data):
    """Something that happened.

    Attributes:
        at: when, in seconds since the drill began.
        what: what happened.
    """

    at: float
    what: Text


class Phase(Data):
    """A part of a drill in which something was done to the deployment.

    Attributes:
        what: what was done, or was away.
        began: when, in seconds since the drill began.
        ended: when it was over.
    """

    what: Text
    began: float
    ended: float


class Slice(Data):
    """The calls that ended in one part of the time.

    Attributes:
        began: the part's beginning, in seconds since the drill began.
        answered: how many calls were answered.
        failures: how many failed, by kind.
        median: the median time of the answered ones in seconds; None where there are none.
        longest: the longest time of an answered one.
        longest_failed: the longest time of a failed one.
    """

    began: float
    answered: int
    failures: Mapping[str, int]
    median: float | None
    longest: float | None
    longest_failed: float | None

    @property
    def failed(self) -> int:
        """How many calls failed."""
        return sum(self.failures.values())


class Traffic(Data):
    """The calls of one group of callers over time.

    Attributes:
        who: the callers.
        callers: how many there are.
        width: how long each slice is, in seconds.
        slices: the slices, without gaps, from the first call's beginning to the last one's end.
        first_failure: when the first call failed, in seconds since the drill began; None if none.
        recovery: when the first call after the last failed one was answered; None if none.
    """

    who: Text
    callers: int
    width: float
    slices: tuple[Slice, ...]
    first_failure: float | None = None
    recovery: float | None = None

    @property
    def calls(self) -> int:
        """How many calls were made."""
        return sum(each.answered + each.failed for each in self.slices)

    @property
    def failures(self) -> dict[str, int]:
        """How many calls failed, by kind, in the order of the kinds' first appearance."""
        total: dict[str, int] = {}
        for each in self.slices:
            for kind, count in each.failures.items():
                total[kind] = total.get(kind, 0) + count
        return total


class DrillResult(Result):
    """What one drill found.

    Attributes:
        events: what happened, in its order.
        phases: what was done to the deployment, in its order.
        traffic: what each group of callers met.
    """

    events: tuple[Event, ...] = ()
    phases: tuple[Phase, ...] = ()
    traffic: tuple[Traffic, ...] = ()

    @property
    def name(self) -> str:
        """The drill's name."""
        return self.id.partition("-")[2]


class DrillReport(AnyReport):
    """What one run of drills found on one stack.

    Attributes:
        kind: says that the report is of drills.
        results: every drill's result, in the order in which they ran.
    """

    kind: Literal["drills"] = "drills"
    results: tuple[DrillResult, ...]
