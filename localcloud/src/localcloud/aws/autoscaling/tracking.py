"""What target tracking decides from a metric. Pure.

Source: Application Auto Scaling user guide, "How target tracking scaling for Application Auto
Scaling works" and "Define cooldown periods". Each policy has two alarms: the high one looks at the
last 3 minutes, the low one at the last 15, with 90 % of the target value as its threshold.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

HIGH_MINUTES: Final = 3
LOW_MINUTES: Final = 15
_LOW_FACTOR: Final = 0.9
_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, kw_only=True)
class PolicyReading:
    """A policy with its metric's recent values.

    Attributes:
        name: the policy's name.
        high_alarm, low_alarm: the names of its alarms.
        target_value: the value that the metric should have.
        scales_in: whether it may remove capacity.
        scale_out_cooldown, scale_in_cooldown: seconds.
        values: the metric's value in each of the last minutes, oldest first; None without data.
    """

    name: str
    high_alarm: str
    low_alarm: str
    target_value: float
    scales_in: bool
    scale_out_cooldown: float
    scale_in_cooldown: float
    values: Sequence[float | None]

    @property
    def is_high(self) -> bool:
        """Whether the high alarm is in state ALARM."""
        recent = self.values[-HIGH_MINUTES:]
        return len(recent) == HIGH_MINUTES and all(
            value is not None and value > self.target_value for value in recent
        )

    @property
    def is_low(self) -> bool:
        """Whether the low alarm is in state ALARM."""
        recent = self.values[-LOW_MINUTES:]
        return len(recent) == LOW_MINUTES and all(
            value is not None and value < self.target_value * _LOW_FACTOR for value in recent
        )


@dataclass(frozen=True, kw_only=True)
class History:
    """The last changes of a service's capacity by its policies.

    Attributes:
        scaled_out_at, scaled_in_at: when, in seconds; None if never.
        capacity_before: the capacity before the first scale-out of the current cool-down.
    """

    scaled_out_at: float | None = None
    scaled_in_at: float | None = None
    capacity_before: int = 0

    def after(self, change: "Change", capacity: int, now: float) -> "History":
        """Return the history after a change of a capacity."""
        if change.capacity < capacity:
            return replace(self, scaled_in_at=now)
        return History(scaled_out_at=now, scaled_in_at=None, capacity_before=change.base)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of a service's capacity.

    Attributes:
        capacity: the new capacity.
        cause: why, in AWS's words.
        base: the capacity that the calculation started from.
    """

    capacity: int
    cause: str
    base: int


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A scalable target's limits, and what is suspended."""

    least: int
    most: int
    out_suspended: bool = False
    in_suspended: bool = False

    def within(self, capacity: int) -> int:
        """Return the nearest capacity within the limits."""
        return min(max(capacity, self.least), self.most)


def decide(
    readings: Sequence[PolicyReading],
    *,
    capacity: int,
    limits: Limits,
    history: History,
    now: float,
) -> Change | None:
    """Decide about a service's capacity; None leaves it.

    Any policy may add capacity; the largest result counts. Capacity is removed only if all
    policies that may remove it agree.

    Args:
        readings: its policies.
        capacity: its capacity.
        limits: its limits.
        history: its last changes.
        now: the time, in seconds.
    """
    if (corrected := limits.within(capacity)) != capacity:
        kind = "minimum" if corrected > capacity else "maximum"
        return Change(
            capacity=corrected, cause=f"{kind} capacity was set to {corrected}", base=capacity
        )
    out = [
        change
        for reading in readings
        if reading.is_high and not limits.out_suspended
        for change in [_scale_out(reading, capacity, limits, history, now)]
        if change is not None
    ]
    if out:
        return max(out, key=lambda change: change.capacity)
    removing = [reading for reading in readings if reading.scales_in]
    if limits.in_suspended or not removing or not all(reading.is_low for reading in removing):
        return None
    cooldown = max(reading.scale_in_cooldown for reading in removing)
    if history.scaled_in_at is not None and now < history.scaled_in_at + cooldown:
        return None
    if capacity <= limits.least:
        return None
    return Change(
        capacity=capacity - 1,
        cause=_cause(removing[0].low_alarm, removing[0].name),
        base=capacity,
    )


def _scale_out(
    reading: PolicyReading, capacity: int, limits: Limits, history: History, now: float
) -> Change | None:
    # During the cool-down, the capacity that was added counts as part of the next addition.
    cooling = history.scaled_out_at is not None and (
        now < history.scaled_out_at + reading.scale_out_cooldown
    )
    base = history.capacity_before if cooling else capacity
    value = reading.values[-1] or 0.0
    wanted = limits.within(math.ceil(base * value / reading.target_value - _TOLERANCE))
    if wanted <= capacity:
        return None
    return Change(capacity=wanted, cause=_cause(reading.high_alarm, reading.name), base=base)


def _cause(alarm: str, policy: str) -> str:
    return f"monitor alarm {alarm} in state ALARM triggered policy {policy}"
