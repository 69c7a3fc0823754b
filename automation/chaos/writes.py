"""Writes, what the database has of them afterwards, and what is wrong with that. Pure."""

import enum
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from automation.drills.results import Writes


class Way(enum.StrEnum):
    """How a caller writes: with CREATE or MERGE, and again after a failure or not."""

    ONCE = "create"
    AGAIN = "create again"
    MERGED = "merge again"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A call that writes.

    Attributes:
        write: the id of what it writes; several attempts may have the same one.
        seconds: how long it took.
        failure: the kind of failure; empty if the write was acknowledged.
        message: the failure's message.
        is_named: whether the failure is an exception of the client library.
        may_have_run: whether the failure says that the call may have been executed.
    """

    write: str
    seconds: float
    failure: str = ""
    message: str = ""
    is_named: bool = True
    may_have_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What callers may see during a fault.

    Attributes:
        kinds: the kinds of failure.
        within: seconds that a call may take, failed or not.
    """

    kinds: Collection[str]
    within: float = math.inf


def summarize(way: Way, attempts: Sequence[Attempt], found: Mapping[str, int]) -> Writes:
    """Compare the attempts with the database.

    Args:
        found: how often the database has each write.
    """
    acknowledged = {each.write for each in attempts if not each.failure}
    failed = {each.write for each in attempts} - acknowledged
    return Writes(
        way=way.value,
        calls=len(attempts),
        acknowledged=len(acknowledged),
        failures=dict(Counter(each.failure for each in attempts if each.failure)),
        longest=_longest(each for each in attempts if not each.failure),
        longest_failed=_longest(each for each in attempts if each.failure),
        lost=sum(write not in found for write in acknowledged),
        unacknowledged=len(failed),
        present=sum(write in found for write in failed),
        repeated=sum(found.get(write, 0) > 1 for write in acknowledged | failed),
    )


def find_problems(
    way: Way, attempts: Sequence[Attempt], found: Mapping[str, int], expected: Expected
) -> list[str]:
    """Return what is wrong with writes.

    Args:
        found: how often the database has each write.
        expected: what callers may see.
    """
    return [
        *_find_wrong_failures(attempts, expected),
        *_find_wrong_numbers(way, attempts, found),
    ]


def _find_wrong_failures(attempts: Sequence[Attempt], expected: Expected) -> list[str]:
    failed = [each for each in attempts if each.failure]
    problems = []
    unnamed = [each for each in failed if not each.is_named]
    if unnamed:
        problems.append(
            f"{len(unnamed)} calls failed with an exception that isn't the client library's:"
            f" {unnamed[0].failure}: {unnamed[0].message}"
        )
    other = [each for each in failed if each.is_named and each.failure not in expected.kinds]
    if other:
        allowed = (
            f"not with {' or '.join(sorted(expected.kinds))}" if expected.kinds else "none may"
        )
        problems.append(
            f"{len(other)} calls failed, but {allowed}: {other[0].failure}: {other[0].message}"
        )
    late = [each.seconds for each in attempts if each.seconds > expected.within]
    if late:
        problems.append(
            f"{len(late)} calls took longer than {expected.within:g} s, up to {max(late):.1f} s"
        )
    return problems


def _find_wrong_numbers(
    way: Way, attempts: Sequence[Attempt], found: Mapping[str, int]
) -> list[str]:
    least = Counter(each.write for each in attempts if not each.failure)
    most = least + Counter(each.write for each in attempts if each.failure and each.may_have_run)
    problems = []
    lost = [write for write in least if not found.get(write)]
    if lost:
        problems.append(
            f"{len(lost)} of {len(least)} acknowledged writes aren't in the database: {lost[0]}"
        )
    unannounced = [
        write
        for write in dict.fromkeys(each.write for each in attempts)
        if write in found and not most[write]
    ]
    if unannounced:
        problems.append(
            f"{len(unannounced)} writes are in the database, although every failure says that the"
            f" call wasn't executed: {unannounced[0]}"
        )
    if way is Way.MERGED:
        most = Counter(dict.fromkeys(most, 1))
    repeated = [write for write, times in found.items() if most[write] and times > most[write]]
    if repeated:
        problems.append(
            f"{len(repeated)} writes are in the database more often than they may have been"
            f" executed: {repeated[0]} {found[repeated[0]]} times"
        )
    return problems


def _longest(attempts: Iterable[Attempt]) -> float | None:
    return max((round(each.seconds, 3) for each in attempts), default=None)
