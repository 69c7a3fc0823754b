"""One run of a piece of work, however many threads and asyncio tasks want its result at once."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """Lets one caller work, and gives all that come meanwhile what came out."""

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self._lock = threading.Lock()
        self._flight: Future[Result] | None = None

    def run(self, work: Callable[[], Result], *, patience: float) -> Result:
        """Do the work in this thread, or wait for the thread that does it.

        Args:
            work: the work.
            patience: seconds to wait for another thread.

        Returns:
            Its result.

        Raises:
            TimeoutError: another thread didn't end in time.
            Exception: whatever the work raised, here or in the other thread.
        """
        flight, leads = self._board()
        if leads:
            self._fly(flight, work)
        return flight.result(patience)

    async def run_async(self, work: Callable[[], Result], *, patience: float) -> Result:
        """Do the same without blocking the event loop.

        The work itself goes on in a thread when this task is cancelled, since others wait for it.

        Args:
            work: the work; it runs in a thread of the event loop's executor.
            patience: seconds to wait.

        Returns:
            Its result.

        Raises:
            TimeoutError: it didn't end in time.
            Exception: whatever the work raised.
        """
        flight, leads = self._board()
        if leads:
            try:
                asyncio.get_running_loop().run_in_executor(None, self._fly, flight, work)
            except RuntimeError as error:
                # The loop's executor is shut down: without this, all would wait for nobody.
                self._land()
                flight.set_exception(error)
        async with asyncio.timeout(patience):
            return await asyncio.wrap_future(flight)

    def _board(self) -> tuple[Future[Result], bool]:
        with self._lock:
            if self._flight is not None:
                return self._flight, False
            self._flight = Future()
            # A running future can't be cancelled: one waiting task must not do it for all.
            self._flight.set_running_or_notify_cancel()
            return self._flight, True

    def _fly(self, flight: Future[Result], work: Callable[[], Result]) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - Ctrl-C in the leader wakes the others too
            self._land()
            flight.set_exception(error)
        else:
            self._land()
            flight.set_result(result)

    def _land(self) -> None:
        with self._lock:
            self._flight = None
