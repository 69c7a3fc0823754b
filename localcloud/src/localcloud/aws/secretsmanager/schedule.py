"""When a secret is rotated, from its RotationRules. Pure.

Source: "Rotation schedules" in the AWS Secrets Manager User Guide, and the API reference of
RotationRulesType: a schedule in days opens a window at midnight UTC, which closes at the end of
the day; one in hours opens a window of an hour. Secrets Manager rotates at any time in the window;
here it is the first moment, because the shortest time between two rotations is the hardest case.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from localcloud.aws.protocol import ApiError

_RATE: Final = re.compile(r"rate\((?P<number>[1-9][0-9]*) (?P<unit>hours?|days?)\)")
_SHORTEST: Final = dt.timedelta(hours=4)
_LONGEST: Final = dt.timedelta(days=1000)
_DAY: Final = dt.timedelta(days=1)
_HOUR: Final = dt.timedelta(hours=1)
_SECOND: Final = dt.timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Window:
    """When a rotation may start.

    Attributes:
        opens, closes: the first and the last moment, in seconds since the epoch.
    """

    opens: float
    closes: float


def require_valid(rules: Mapping[str, Any]) -> None:
    """Refuse malformed rules, and those that the stand-in doesn't support.

    Args:
        rules: RotationRules, validated against botocore's model.

    Raises:
        ApiError: InvalidParameterException.
    """
    _duration(rules, _interval(rules))


def next_window(rules: Mapping[str, Any], after: float) -> Window:
    """Return the next window of valid rules.

    Args:
        rules: RotationRules.
        after: the last rotation, or the time when rotation was set up; seconds since the epoch.
    """
    interval = _interval(rules)
    start = dt.datetime.fromtimestamp(after, dt.UTC) + interval
    if _counts_days(rules):
        opens = start.replace(hour=0, minute=0, second=0, microsecond=0)
    else:
        opens = start.replace(minute=0, second=0, microsecond=0)
    closes = opens + _duration(rules, interval) - _SECOND
    return Window(opens=opens.timestamp(), closes=closes.timestamp())


def _interval(rules: Mapping[str, Any]) -> dt.timedelta:
    days, expression = rules.get("AutomaticallyAfterDays"), rules.get("ScheduleExpression")
    if (days is None) == (expression is None):
        raise ApiError(
            "InvalidParameterException",
            "RotationRules need either AutomaticallyAfterDays or ScheduleExpression.",
        )
    if days is not None:
        return dt.timedelta(days=int(days))
    rate = _RATE.fullmatch(str(expression))
    if rate is None:
        raise ApiError(
            "InvalidParameterException",
            f"The stand-in doesn't support the ScheduleExpression {expression!r}: use rate(<n>"
            " hours) or rate(<n> days).",
        )
    unit = _DAY if rate["unit"].startswith("day") else _HOUR
    interval = int(rate["number"]) * unit
    if not _SHORTEST <= interval <= _LONGEST:
        raise ApiError(
            "InvalidParameterException",
            "ScheduleExpression must be between 4 hours and 1000 days.",
        )
    return interval


def _duration(rules: Mapping[str, Any], interval: dt.timedelta) -> dt.timedelta:
    text = rules.get("Duration")
    if text is None:
        return _DAY if _counts_days(rules) else _HOUR
    duration = int(str(text).removesuffix("h")) * _HOUR
    if not _HOUR <= duration <= min(_DAY, interval):
        raise ApiError(
            "InvalidParameterException",
            "Duration must be at least an hour, and the window must not extend into the next"
            " window or the next UTC day.",
        )
    return duration


def _counts_days(rules: Mapping[str, Any]) -> bool:
    expression = str(rules.get("ScheduleExpression", ""))
    return "AutomaticallyAfterDays" in rules or "day" in expression
