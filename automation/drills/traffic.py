"""Callers that keep calling, each in a thread, while a drill disturbs what they call."""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from automation.drills.callers import failure_kind
from automation.drills.records import Record

Call = Callable[[], object]
"""Makes one call: returns if it succeeds, raises if it fails."""

PAUSE_SECONDS: Final = 0.05
# A call without an answer ends after 125 s by itself.
_LONGEST_CALL: Final = 130.0


class Traffic:
    """Callers at work; a context manager, which starts and stops them."""

    def __init__(
        self,
        call: Call,
        *,
        callers: int,
        clock: Callable[[], float],
        pause: float = PAUSE_SECONDS,
    ) -> None:
        """Prepare the callers.

        Args:
            call: made in every caller's thread.
            callers: how many callers there are.
            clock: returns the seconds since the drill began.
            pause: between two calls of a caller, in seconds.
        """
        self.callers = callers
        self._call = call
        self._clock = clock
        self._pause = pause
        self._records: list[Record] = []
        self._recorded = threading.Condition()
        self._stopping = threading.Event()
        # Daemons: if a drill breaks off, a call may still wait for an answer.
        self._threads = [
            threading.Thread(
                target=self._keep_calling, args=(number,), name=f"caller-{number}", daemon=True
            )
            for number in range(callers)
        ]

    @property
    def records(self) -> Sequence[Record]:
        """The calls that have ended, in the order in which they did."""
        with self._recorded:
            return tuple(self._records)

    def wait_until(self, condition: Callable[[Sequence[Record]], bool], limit: float) -> bool:
        """Wait until the calls that have ended meet a condition, and return whether they do.

        Args:
            limit: the longest wait, in seconds.
        """
        with self._recorded:
            return self._recorded.wait_for(lambda: condition(self._records), limit)

    def __enter__(self) -> Self:
        """Start the callers."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the callers; without an exception, wait for their last calls."""
        self._stopping.set()
        if kind is None:
            for thread in self._threads:
                thread.join(_LONGEST_CALL)

    def _keep_calling(self, number: int) -> None:
        while not self._stopping.is_set():
            began = self._clock()
            failure = message = ""
            try:
                self._call()
            except Exception as error:  # every failure of a call is a result  # noqa: BLE001
                failure, message = failure_kind(error), str(error)
            record = Record(
                caller=number, began=began, ended=self._clock(), failure=failure, message=message
            )
            with self._recorded:
                self._records.append(record)
                self._recorded.notify_all()
            self._stopping.wait(self._pause)
