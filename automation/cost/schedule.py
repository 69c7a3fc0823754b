"""Counts the runs of a schedule. Pure."""

import re
from decimal import Decimal
from typing import Final

from automation.cost.usage import MINUTES

_RATE: Final = re.compile(r"rate\((\d+) (minute|hour)s?\)")
_MINUTES_OF: Final = {"minute": 1, "hour": 60}


def runs_a_month(schedule: str) -> Decimal:
    """Return how often EventBridge runs a schedule in a month.

    Raises:
        ValueError: it isn't a rate in minutes or hours.
    """
    match = _RATE.fullmatch(schedule)
    if match is None:
        raise ValueError(f"the schedule is {schedule}, not a rate in minutes or hours")
    return MINUTES / (int(match[1]) * _MINUTES_OF[match[2]])
