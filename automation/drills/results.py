"""The result of a drill as data: its verdict, its timeline, and its callers' calls."""

from collections.abc import Mapping
from typing import Literal

from automation.checks.results import AnyReport, Data, Result, Text


class Event(Data):
    """Something that happened.

    Attributes:
        at: in seconds since the drill began.
    """

    at: float
    what: Text


class Phase(Data):
    """A part of a drill in which the deployment was disturbed.

    Attributes:
        what: what was done, or was unavailable.
        began: in seconds since the drill began.
        ended: in seconds since the drill began.
    """

    what: Text
    began: float
    ended: float


class Slice(Data):
    """The calls that ended in one slice of time.

    Attributes:
        began: in seconds since the drill began.
        answered: how many calls succeeded.
        failures: how many calls failed, by kind.
        median: of the successful calls, in seconds; None if there are none.
        longest: the longest successful call, in seconds.
        longest_failed: the longest failed call, in seconds.
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
        who: a name for the callers.
        callers: how many there are.
        width: the length of each slice, in seconds.
        slices: without gaps, from the start of the first call to the end of the last one.
        first_failure: when the first call failed, in seconds since the drill began; None if none.
        recovery: when the first call after the last failed one succeeded; None if none.
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
        """How many calls failed, by kind, in the order in which the kinds first occurred."""
        total: dict[str, int] = {}
        for each in self.slices:
            for kind, count in each.failures.items():
                total[kind] = total.get(kind, 0) + count
        return total


class Writes(Data):
    """The writes of one group of callers, compared with the database.

    Attributes:
        way: what they do, such as "create again" after a failure.
        calls: how many calls were made; a write that failed may be repeated.
        acknowledged: how many writes were acknowledged.
        failures: how many calls failed, by kind.
        longest: the longest successful call, in seconds; None if there is none.
        longest_failed: the longest failed call, in seconds; None if there is none.
        lost: how many acknowledged writes the database doesn't have.
        unacknowledged: how many writes were never acknowledged.
        present: how many of these the database has.
        repeated: how many writes the database has more than once.
    """

    way: Text
    calls: int
    acknowledged: int
    failures: Mapping[str, int]
    longest: float | None
    longest_failed: float | None
    lost: int
    unacknowledged: int
    present: int
    repeated: int

    @property
    def longest_call(self) -> float | None:
        """The longest call, in seconds; None if there is none."""
        return max(filter(None, (self.longest, self.longest_failed)), default=None)


class DrillResult(Result):
    """The result of one drill."""

    events: tuple[Event, ...] = ()
    phases: tuple[Phase, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    writes: tuple[Writes, ...] = ()

    @property
    def name(self) -> str:
        """The drill's name."""
        return self.id.partition("-")[2]


class DrillReport(AnyReport):
    """The results of one run of drills on one stack, in the order in which they ran.

    Attributes:
        unit: what each of them is; the faults of a chaos run are reported like drills.
    """

    kind: Literal["drills"] = "drills"
    unit: Literal["drill", "fault"] = "drill"
    results: tuple[DrillResult, ...]

    @property
    def title(self) -> str:
        """The report's heading."""
        what = {"drill": "Drills on", "fault": "Faults while callers write to"}[self.unit]
        return f"{what} the stack {self.stack}"
