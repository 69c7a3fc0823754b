"""Results of the calls made during a drill, and how to judge them. Pure."""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from automation.checks.verdicts import expect


@dataclass(frozen=True, kw_only=True)
class Record:
    """One call.

    Attributes:
        caller: the caller's number, from 0.
        began: in seconds since the drill began.
        ended: in seconds since the drill began.
        failure: the kind of failure; empty if the call succeeded.
        message: the failure's message.
    """

    caller: int
    began: float
    ended: float
    failure: str = ""
    message: str = ""

    @property
    def seconds(self) -> float:
        """How long the call took."""
        return self.ended - self.began


def failed(records: Sequence[Record]) -> list[Record]:
    """Return the calls that failed."""
    return [record for record in records if record.failure]


def figures(records: Sequence[Record]) -> dict[str, Any]:
    """Summarize calls: numbers, failures by kind, and durations in seconds.

    The median is of the successful calls, the longest is of all.
    """
    succeeded = [record.seconds for record in records if not record.failure]
    return {
        "calls": len(records),
        "failed": len(failed(records)),
        "failures": dict(Counter(record.failure for record in failed(records))),
        "median seconds": round(median(succeeded), 4) if succeeded else None,
        "longest seconds": round(max((each.seconds for each in records), default=0.0), 3),
        "seconds with failures": round(outage(records), 2),
    }


def outage(records: Sequence[Record], since: float = 0.0) -> float:
    """Measure how long calls failed.

    Args:
        since: seconds since the drill began; calls that ended before don't count.

    Returns:
        Seconds from the start of the first failed call, or from `since` if that is later, to the
        end of the last failed call; 0 if none failed.
    """
    lost = [record for record in failed(records) if record.ended >= since]
    if not lost:
        return 0.0
    return max(each.ended for each in lost) - max(since, min(each.began for each in lost))


def all_succeed(
    records: Sequence[Record], *, callers: int, since: float, in_a_row: int = 3
) -> bool:
    """Return whether the last calls of every caller succeeded.

    Args:
        records: the calls, in the order in which they ended.
        since: seconds since the drill began; calls that began before don't count.
        in_a_row: how many calls of each caller.
    """
    streaks = Counter[int]()
    for record in records:
        if record.began >= since:
            streaks[record.caller] = 0 if record.failure else streaks[record.caller] + 1
    return all(streaks[caller] >= in_a_row for caller in range(callers))


def all_failed(records: Sequence[Record], *, callers: int, since: float) -> bool:
    """Return whether every caller has a failed call.

    Args:
        since: seconds since the drill began; calls that ended before don't count.
    """
    return {record.caller for record in failed(records) if record.ended >= since} >= set(
        range(callers)
    )


def all_called(records: Sequence[Record], *, callers: int, since: float, times: int) -> bool:
    """Return whether there are enough calls to judge by.

    Args:
        since: seconds since the drill began; calls that began before don't count.
        times: how many calls of each caller must have ended, unless one of its calls failed.
    """
    calls = Counter[int]()
    for record in records:
        if record.began >= since:
            calls[record.caller] = times if record.failure else calls[record.caller] + 1
    return all(calls[caller] >= times for caller in range(callers))


def all_have_met(records: Sequence[Record], *, callers: int, since: float, times: int) -> bool:
    """Return whether a fault has reached every caller, or would have.

    Args:
        since: when the fault began, in seconds since the drill began.
        times: how many calls of a caller must have begun and ended since; one that has failed since
            is enough.
    """
    calls = Counter[int]()
    for record in records:
        if record.failure and record.ended >= since:
            calls[record.caller] = times
        elif record.began >= since:
            calls[record.caller] += 1
    return all(calls[caller] >= times for caller in range(callers))


def transitions(records: Sequence[Record]) -> list[tuple[float, str]]:
    """List when calls began to fail and when they succeeded again.

    Returns:
        The times, in seconds since the drill began, each with what changed.
    """
    found = []
    state = ""
    for record in sorted(records, key=lambda each: each.ended):
        if record.failure != state:
            what = f"calls fail: {record.failure}" if record.failure else "calls succeed again"
            found.append((record.ended, what))
            state = record.failure
    return found


def expect_no_failure(records: Sequence[Record], while_what: str) -> None:
    """Fail the drill if a call failed.

    Args:
        while_what: what happened meanwhile, for the message.

    Raises:
        Failed: a call failed, or there was none.
    """
    expect(records, f"no call was made while {while_what}")
    lost = failed(records)
    expect(
        not lost,
        f"{len(lost)} of {len(records)} calls failed while {while_what}; the first: {_first(lost)}",
    )


def expect_failures(
    records: Sequence[Record], kinds: Collection[str], *, within: float = math.inf
) -> None:
    """Fail the drill if a call failed in another way than expected.

    Args:
        kinds: the expected kinds of failure.
        within: seconds after which a failed call was ended by another party.

    Raises:
        Failed: a failure is of another kind, or another party ended the call.
    """
    wrong = [record for record in failed(records) if record.failure not in kinds]
    expect(not wrong, f"calls failed, but not with {' or '.join(sorted(kinds))}: {_first(wrong)}")
    late = [record for record in failed(records) if record.seconds > within]
    expect(
        not late,
        f"a call failed after {max((each.seconds for each in late), default=0.0):.1f} s: it must"
        f" fail before another party ends it after {within:g} s",
    )


def _first(records: Sequence[Record]) -> str:
    return next((f"{each.failure} at {each.ended:.1f} s: {each.message}" for each in records), "")
