"""Mute rules, which mute the actions of alarms for some time.

Sources: the API reference of PutAlarmMuteRule, and "Alarm mute rules" in the user guide.
"""

import datetime as dt
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from localcloud.aws.cloudwatch.errors import unsupported, validation_error
from localcloud.aws.movable_clock import MINUTE

_AT: Final = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2})\)")
_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_HOUR: Final = 60 * MINUTE
_DAY: Final = 24 * _HOUR
_LONGEST: Final = 15 * _DAY


class Status(StrEnum):
    """The status of a mute rule."""

    SCHEDULED = "SCHEDULED"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A time in which actions are muted, in seconds since the epoch; the end isn't part of it."""

    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class MuteRule:
    """A mute rule.

    Attributes:
        name, arn: its names.
        content: the members of the request that the API returns.
        interval: when it mutes.
        alarms: the names of its alarms.
        updated: when it was last put, in seconds since the epoch.
        tags: its tags.
    """

    name: str
    arn: str
    content: Mapping[str, object]
    interval: Interval
    alarms: frozenset[str]
    updated: float
    tags: Mapping[str, str] = field(default_factory=dict)

    def status(self, now: float) -> Status:
        """Return the rule's status."""
        if now < self.interval.start:
            return Status.SCHEDULED
        return Status.ACTIVE if now < self.interval.end else Status.EXPIRED


class MuteRules:
    """All mute rules."""

    def __init__(self) -> None:
        """Start without rules."""
        self._by_name: dict[str, MuteRule] = {}

    def __iter__(self) -> Iterator[MuteRule]:
        """Iterate over all rules, by name."""
        return iter([self._by_name[name] for name in sorted(self._by_name)])

    def find(self, name: str) -> MuteRule | None:
        """Find a rule."""
        return self._by_name.get(name)

    def put(self, rule: MuteRule) -> None:
        """Store a rule, in place of an earlier one with its name."""
        self._by_name[rule.name] = rule

    def remove(self, name: str) -> None:
        """Forget a rule, if it exists."""
        self._by_name.pop(name, None)

    def are_muting(self, alarm: str, now: float) -> bool:
        """Return whether a rule mutes an alarm now."""
        return any(alarm in rule.alarms and rule.status(now) is Status.ACTIVE for rule in self)


def interval(
    expression: str,
    duration: str,
    timezone: str,
    *,
    start_date: float | None,
    expire_date: float | None,
) -> Interval:
    """Return when a schedule mutes.

    Args:
        expression: when it begins, as at(yyyy-MM-ddThh:mm).
        duration: how long it mutes, in the format of ISO 8601.
        timezone: the time zone of the expression.
        start_date, expire_date: the limits in the request, in seconds since the epoch.

    Raises:
        ApiError: ValidationException.
    """
    if expression.startswith("cron("):
        raise unsupported(f"mute rules that repeat ({expression}); use at(yyyy-MM-ddThh:mm)")
    found = _AT.fullmatch(expression)
    if found is None:
        raise validation_error(
            f"The expression {expression} must be cron(…) or at(yyyy-MM-ddThh:mm)."
        )
    try:
        local = dt.datetime.fromisoformat(found[1]).replace(tzinfo=zoneinfo.ZoneInfo(timezone))
    except (ValueError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise validation_error(
            f"The expression {expression} or the time zone {timezone} isn't valid."
        ) from error
    start = local.timestamp()
    end = start + seconds(duration)
    if start_date is not None:
        start = max(start, start_date)
    if expire_date is not None:
        end = min(end, expire_date)
    return Interval(start=start, end=max(start, end))


def seconds(duration: str) -> int:
    """Return the seconds of a duration from one minute to 15 days, such as PT1H30M or P2D.

    Raises:
        ApiError: ValidationException.
    """
    found = _DURATION.fullmatch(duration)
    days, hours, minutes = (int(each or 0) for each in found.groups()) if found else (0, 0, 0)
    total = days * _DAY + hours * _HOUR + minutes * MINUTE
    if not MINUTE <= total <= _LONGEST:
        raise validation_error(f"The duration {duration} must be from PT1M to P15D.")
    return total
