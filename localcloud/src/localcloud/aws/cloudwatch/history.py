"""What happened to alarms.

Source: the API reference of DescribeAlarmHistory; AWS doesn't document the data of an item.
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from localcloud.aws.cloudwatch.alarms import Alarm, CompositeAlarm
from localcloud.aws.cloudwatch.states import StateRecord
from localcloud.aws.movable_clock import MINUTE

_KEPT: Final = 30 * 24 * 60 * MINUTE
_MAX_ITEMS: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class HistoryItem:
    """An event.

    Attributes:
        alarm: the alarm's name.
        alarm_type: CompositeAlarm or MetricAlarm.
        time: seconds since the epoch.
        kind: ConfigurationUpdate, StateUpdate or Action.
        summary: what happened, in one sentence.
        data: details, as JSON.
    """

    alarm: str
    alarm_type: str
    time: float
    kind: str
    summary: str
    data: str


def alarm_type(alarm: Alarm) -> str:
    """Return an alarm's type as the API names it."""
    return "CompositeAlarm" if isinstance(alarm, CompositeAlarm) else "MetricAlarm"


class History:
    """The events of all alarms, oldest first. An alarm's events outlive it, as on AWS."""

    def __init__(self) -> None:
        """Start without events."""
        self._items: deque[HistoryItem] = deque(maxlen=_MAX_ITEMS)

    def items(self, *, now: float) -> Iterator[HistoryItem]:
        """Iterate over the events of the last 30 days."""
        return (each for each in list(self._items) if each.time >= now - _KEPT)

    def configured(self, alarm: Alarm, what: str, *, now: float) -> None:
        """Record that an alarm was created, updated or deleted."""
        data = {"type": what.capitalize(), "version": "1.0"}
        self._add(alarm, "ConfigurationUpdate", f'Alarm "{alarm.name}" {what}', data, now)

    def transitioned(self, alarm: Alarm, before: StateRecord, *, now: float) -> None:
        """Record an alarm's change to its current state."""
        data = {
            "version": "1.0",
            "oldState": _described(before),
            "newState": _described(alarm.state),
        }
        summary = f"Alarm updated from {before.value} to {alarm.state.value}"
        self._add(alarm, "StateUpdate", summary, data, now)

    def acted(self, alarm: Alarm, action: str, failure: str | None, *, now: float) -> None:
        """Record an action, and why it failed; None if it didn't."""
        summary = (
            f"Failed to execute action {action}"
            if failure
            else f"Successfully executed action {action}"
        )
        data = {
            "actionState": "Failed" if failure else "Succeeded",
            "notificationResource": action,
            "stateUpdateTimestamp": int(alarm.state.updated * 1000),
            "error": failure,
        }
        self._add(alarm, "Action", summary, data, now)

    def _add(
        self, alarm: Alarm, kind: str, summary: str, data: Mapping[str, object], now: float
    ) -> None:
        self._items.append(
            HistoryItem(
                alarm=alarm.name,
                alarm_type=alarm_type(alarm),
                time=now,
                kind=kind,
                summary=summary,
                data=json.dumps(data),
            )
        )


def _described(state: StateRecord) -> dict[str, object]:
    return {"stateValue": state.value, "stateReason": state.reason}
