"""Moves the clock as if time had passed: what is due in each minute happens in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.aws import control
from localcloud.aws.movable_clock import MINUTE, MovableClock
from localcloud.aws.periodic import Work
from localcloud.aws.protocol import ApiError


class PassingTime:
    """Time that passes when a test wants it to."""

    def __init__(self, clock: MovableClock, *, before: Sequence[Work], due: Sequence[Work]) -> None:
        """Move nothing yet.

        Args:
            clock: the clock.
            before: what is done before a minute passes, such as sending what was measured in it.
            due: what is done at the end of each minute.
        """
        self._clock = clock
        self._before = before
        self._due = due

    async def move(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Move the clock forward; an operation of the stand-in's own."""
        seconds = control.number(parameters, "Seconds")
        if seconds % MINUTE:
            raise ApiError("ValidationException", f"Seconds must be a multiple of {MINUTE}.")
        for _ in range(int(seconds) // MINUTE):
            for work in self._before:
                await work()
            self._clock.move(1)
            for work in self._due:
                await work()
        return {"OffsetSeconds": self._clock.offset}
