"""Callers that go on calling, each in a thread, while a drill does something to what they call."""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from automation.drills.callers import kind_of
from automation.drills.records import Record

Ask = Callable[[], object]
"""One call: returns where it was answered, raises where it failed."""

_PAUSE: Final = 0.05
# A call with no answer ends after 125 s by itself.
_LONGEST_CALL: Final = 130.0


class Traffic:
    """Callers at work; a context manager, which starts and stops them."""

    def __init__(
        self, ask: Ask, *, callers: int, clock: Callable[[], float], pause: float = _PAUSE
    ) -> None:
        """Prepare the callers.

        Args:
            ask: one call; used from all callers' threads.
            callers: how many there are.
            clock: the seconds since the drill began.
            pause: seconds between two calls of a caller.
        """
        self.callers = callers
        self._ask = ask
        self._clock = clock
        self._pause = pause
        self._records: list[Record] = []
        self._news = threading.Condition()
        self._stopping = threading.Event()
        # Where a drill breaks off, a call may still wait for an answer; nobody waits for it.
        self._threads = [
            threading.Thread(
                target=self._go_on, args=(number,), name=f"caller-{number}", daemon=True
            )
            for number in range(callers)
        ]

    @property
    def records(self) -> Sequence[Record]:
        """The calls that have ended, in the order in which they did."""
        with self._news:
            return tuple(self._records)

    def wait_until(self, condition: Callable[[Sequence[Record]], bool], limit: float) -> bool:
        """Wait until the calls fulfil a condition.

        Args:
            condition: looks at the calls that have ended.
            limit: seconds after which to give up.

        Returns:
            Whether they do.
        """
        with self._news:
            return self._news.wait_for(lambda: condition(self._records), limit)

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
        """Stop the callers; in an orderly end their last calls are waited for."""
        self._stopping.set()
        if kind is None:
            for thread in self._threads:
                thread.join(_LONGEST_CALL)

    def _go_on(self, number: int) -> None:
        while not self._stopping.is_set():
            began = self._clock()
            failure = said = ""
            try:
                self._ask()
            except Exception as error:  # whatever a caller meets is what the drill wants to know  # noqa: BLE001
                failure, said = kind_of(error), str(error)
            record = Record(
                caller=number, began=began, ended=self._clock(), failure=failure, said=said
            )
            with self._news:
                self._records.append(record)
                self._news.notify_all()
            self._stopping.wait(self._pause)
