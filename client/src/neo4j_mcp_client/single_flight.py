"""Runs work once for all threads and asyncio tasks that need its result at the same time."""

import asyncio
import contextvars
import copy
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from neo4j_mcp_client.forks import on_fork

Result = TypeVar("Result")


class Outcome(NamedTuple, Generic[Result]):
    """The result of a flight.

    Attributes:
        result: the result.
        own: whether this caller did the work, rather than another.
    """

    result: Result
    own: bool


class _AbandonedError(Exception):
    """The caller that did the work was interrupted, so another has to do it."""


class SingleFlight(Generic[Result]):
    """Lets one caller do the work, and shares the outcome with all who ask in the meantime."""

    def __init__(self) -> None:
        """Start without a flight."""
        self._lock = threading.Lock()
        self._flight: Future[Result] | None = None
        on_fork(self._reset)

    def run(self, work: Callable[[], Result], *, wait_limit: float) -> Outcome[Result]:
        """Do the work in this thread, or wait for the thread that does it.

        Args:
            wait_limit: seconds to wait for another thread.

        Raises:
            TimeoutError: another thread didn't finish in time.
            Exception: whatever the work raised, here or in the other thread.
        """
        while True:
            flight, leads = self._join()
            if leads:
                self._run(flight, work)
                return Outcome(flight.result(), own=True)
            try:
                return Outcome(_wait_for(flight, wait_limit), own=False)
            except _AbandonedError:
                continue

    async def run_async(self, work: Callable[[], Result], *, wait_limit: float) -> Outcome[Result]:
        """Do the same without blocking the event loop.

        If this task is cancelled, the work continues, since others wait for it.

        Args:
            wait_limit: seconds to wait.

        Raises:
            TimeoutError: it didn't finish in time.
            Exception: whatever the work raised.
        """
        while True:
            flight, leads = self._join()
            if leads:
                self._start_thread(flight, work)
            try:
                async with asyncio.timeout(wait_limit):
                    # Without the exception, which asyncio would share among all tasks.
                    await asyncio.wrap_future(_completion_of(flight))
                return Outcome(flight.result(0) if leads else _wait_for(flight, 0), own=leads)
            except _AbandonedError:
                continue

    def _join(self) -> tuple[Future[Result], bool]:
        with self._lock:
            if self._flight is not None:
                return self._flight, False
            self._flight = Future()
            # A running future can't be cancelled, so no waiting task can cancel it for all.
            self._flight.set_running_or_notify_cancel()
            return self._flight, True

    def _start_thread(self, flight: Future[Result], work: Callable[[], Result]) -> None:
        run = partial(contextvars.copy_context().run, self._run, flight, work)
        thread = threading.Thread(target=run, name="neo4j-mcp-client", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # No thread can be started; without this, all callers would wait forever.
            self._finish(flight)
            flight.set_exception(error)

    def _run(self, flight: Future[Result], work: Callable[[], Result]) -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - raised in every caller
            self._finish(flight)
            flight.set_exception(error)
        except BaseException:
            # Ctrl-C must end only this thread.
            self._finish(flight)
            flight.set_exception(_AbandonedError())
            raise
        else:
            self._finish(flight)
            flight.set_result(result)

    def _finish(self, flight: Future[Result]) -> None:
        with self._lock:
            if self._flight is flight:
                self._flight = None

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._flight = None


def _completion_of(flight: Future[Result]) -> Future[None]:
    """Create a future that completes with a flight, without its outcome."""
    landing: Future[None] = Future()
    landing.set_running_or_notify_cancel()
    flight.add_done_callback(lambda _: landing.set_result(None))
    return landing


def _wait_for(flight: Future[Result], wait_limit: float) -> Result:
    """Wait for another caller's flight; raise a copy of its exception, for a separate traceback."""
    error = flight.exception(wait_limit)
    if error is None:
        return flight.result()
    try:
        own = copy.copy(error)
    except Exception:  # noqa: BLE001 - not every exception can be copied
        raise error from None
    raise own from error.__cause__
