"""Groups calls by time, in few enough slices to draw and to save. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Final

from automation.drills.records import Record, failed
from automation.drills.results import Slice, Traffic

_MOST_SLICES: Final = 120
_WIDTHS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)


def traffic(who: str, callers: int, records: Sequence[Record]) -> Traffic:
    """Summarize the calls of a group of callers in at most 120 slices of time."""
    if not records:
        return Traffic(who=who, callers=callers, width=1.0, slices=())
    began = min(record.began for record in records)
    width = slice_width(max(record.ended for record in records) - began)
    first = math.floor(began / width)
    groups: dict[int, list[Record]] = {}
    for record in records:
        groups.setdefault(math.floor(record.ended / width), []).append(record)
    lost = failed(records)
    last_failure = max((record.ended for record in lost), default=None)
    return Traffic(
        who=who,
        callers=callers,
        width=width,
        slices=tuple(
            _slice(round(number * width, 3), groups.get(number, ()))
            for number in range(first, max(groups) + 1)
        ),
        first_failure=min((round(record.ended, 3) for record in lost), default=None),
        recovery=min(
            (
                round(record.ended, 3)
                for record in records
                if last_failure is not None and not record.failure and record.ended > last_failure
            ),
            default=None,
        ),
    )


def slice_width(seconds: float) -> float:
    """Choose the width of a slice, in seconds.

    Args:
        seconds: the time from the first call to the last.
    """
    return next(
        (width for width in _WIDTHS if seconds / width < _MOST_SLICES - 1),
        60.0 * math.ceil(seconds / 60 / (_MOST_SLICES - 1)),
    )


def _slice(began: float, records: Sequence[Record]) -> Slice:
    answered = [record.seconds for record in records if not record.failure]
    lost = failed(records)
    return Slice(
        began=began,
        answered=len(answered),
        failures=dict(Counter(record.failure for record in lost)),
        median=round(median(answered), 4) if answered else None,
        longest=round(max(answered), 4) if answered else None,
        longest_failed=round(max(record.seconds for record in lost), 4) if lost else None,
    )
