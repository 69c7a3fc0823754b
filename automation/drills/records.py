"""Results of the calls made during a drill, and what they say about a deployment. Pure."""

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
        caller: which caller made it, from 0.
        began: when, in seconds since the drill began.
        ended: when its answer, or the end of its patience, came.
        failure: what kind of failure it met; empty where it was answered.
        said: the failure in words.
    """

    caller: int
    began: float
    ended: float
    failure: str = ""
    said: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


def failed(records: Sequence[Record]) -> list[Record]:
    """Choose the calls that failed.

    Args:
        records: the calls.

    Returns:
        Those that were not answered.
    """
    return [record for record in records if record.failure]


def figures(records: Sequence[Record]) -> dict[str, Any]:
    """Sum up calls.

    Args:
        records: the calls.

    Returns:
        Their number, the failures by kind, and in seconds the median of the answered ones, the
        longest of all, and how long calls failed.
    """
    answered = [record.seconds for record in records if not record.failure]
    return {
        "calls": len(records),
        "failed": len(failed(records)),
        "failures": dict(Counter(record.failure for record in failed(records))),
        "median seconds": round(median(answered), 4) if answered else None,
        "longest seconds": round(max((each.seconds for each in records), default=0.0), 3),
        "seconds with failures": round(outage(records), 2),
    }


def outage(records: Sequence[Record], since: float = 0.0) -> float:
    """Measure how long calls failed.

    Args:
        records: the calls.
        since: seconds since the drill began; what ended before doesn't count.

    Returns:
        Seconds from the beginning of the first failed call, though not from before `since`, to
        the end of the last one; 0 where none failed.
    """
    lost = [record for record in failed(records) if record.ended >= since]
    if not lost:
        return 0.0
    return max(each.ended for each in lost) - max(since, min(each.began for each in lost))


def all_answered(
    records: Sequence[Record], *, callers: int, since: float, in_a_row: int = 3
) -> bool:
    """Decide whether every caller is served again.

    Args:
        records: the calls, in the order in which they ended.
        callers: how many callers there are.
        since: seconds since the drill began; calls that began before don't count.
        in_a_row: how many of a caller's calls must have been answered without a failed one
            among them or after them.

    Returns:
        Whether the last calls of every caller were answered.
    """
    streaks = Counter[int]()
    for record in records:
        if record.began >= since:
            streaks[record.caller] = 0 if record.failure else streaks[record.caller] + 1
    return all(streaks[caller] >= in_a_row for caller in range(callers))


def all_refused(records: Sequence[Record], *, callers: int, since: float) -> bool:
    """Decide whether every caller has seen a failure.

    Args:
        records: the calls.
        callers: how many callers there are.
        since: seconds since the drill began; calls that ended before don't count.

    Returns:
        Whether each caller has a failed call.
    """
    return {record.caller for record in failed(records) if record.ended >= since} >= set(
        range(callers)
    )


def all_called(records: Sequence[Record], *, callers: int, since: float, times: int) -> bool:
    """Decide whether there are calls enough to judge by.

    Args:
        records: the calls.
        callers: how many callers there are.
        since: seconds since the drill began; calls that began before don't count.
        times: how many calls of each caller must have ended.

    Returns:
        Whether that many have.
    """
    calls = Counter(record.caller for record in records if record.began >= since)
    return all(calls[caller] >= times for caller in range(callers))


def turns(records: Sequence[Record]) -> list[tuple[float, str]]:
    """Tell when calls began to fail, and when they were answered again.

    Args:
        records: the calls.

    Returns:
        The moments in their order, in seconds since the drill began, each with what changed.
    """
    found = []
    state = ""
    for record in sorted(records, key=lambda each: each.ended):
        if record.failure != state:
            found.append(
                (
                    record.ended,
                    f"calls fail: {record.failure}"
                    if record.failure
                    else "calls are answered again",
                )
            )
            state = record.failure
    return found


def expect_all_answered(records: Sequence[Record], while_what: str) -> None:
    """Fail the drill if a call failed.

    Args:
        records: the calls.
        while_what: what went on meanwhile, for the message.

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
    """Fail the drill if a call failed in another way than it should.

    Args:
        records: the calls.
        kinds: the kinds of failure that are right.
        within: seconds after which it was another party that ended a failed call.

    Raises:
        Failed: a failure is of another kind, or another party's.
    """
    wrong = [record for record in failed(records) if record.failure not in kinds]
    expect(not wrong, f"calls failed, but not as {' or '.join(sorted(kinds))}: {_first(wrong)}")
    late = [record for record in failed(records) if record.seconds > within]
    expect(
        not late,
        f"a call failed after {max((each.seconds for each in late), default=0.0):.1f} s: it must"
        f" fail before another party ends it, after {within:g} s",
    )


def _first(records: Sequence[Record]) -> str:
    return next((f"{each.failure} at {each.ended:.1f} s: {each.said}" for each in records), "")
