"""The states of alarms."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The state of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, kw_only=True)
class StateRecord:
    """An alarm's state, why it has it, and since when.

    Attributes:
        value: the state.
        reason, reason_data: why, as a text and as JSON.
        updated: when the state was updated, in seconds since the epoch.
        transitioned: when the value changed.
        left_alarm: when it was last ALARM; None if it never was, or is.
    """

    value: State
    reason: str
    reason_data: str | None
    updated: float
    transitioned: float
    left_alarm: float | None = None

    @classmethod
    def initial(cls, now: float) -> "StateRecord":
        """Return the state of a new alarm."""
        return cls(
            value=State.INSUFFICIENT_DATA,
            reason="Unchecked: Initial alarm creation",
            reason_data=None,
            updated=now,
            transitioned=now,
        )

    def followed_by(
        self, value: State, *, reason: str, reason_data: str | None, now: float
    ) -> "StateRecord":
        """Return the next state."""
        left = now if self.value is State.ALARM else self.left_alarm
        return StateRecord(
            value=value,
            reason=reason,
            reason_data=reason_data,
            updated=now,
            transitioned=self.transitioned if value is self.value else now,
            left_alarm=None if value is State.ALARM else left,
        )
