"""Makes the calls of a plan in this process's threads, where vegeta can't: it only speaks HTTP."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from automation.load.mix import Entry, Mix
from automation.load.outcomes import Failure, Outcome
from automation.load.plan import Plan

Execute = Callable[[Entry, str], Failure | None]
"""Makes a call, given the text in its unique parameter, and returns why it failed, if it did."""

_MOST_THREADS: Final = 512


def make_calls(
    plan: Plan,
    mix: Mix,
    execute: Execute,
    *,
    run_id: str,
    stopping: threading.Event,
    most: int = _MOST_THREADS,
) -> list[Outcome]:
    """Make the calls of a plan, and return what became of them.

    Args:
        execute: makes a call, within a time limit.
        run_id: the first part of the texts in unique parameters.
        stopping: set when the calls were interrupted (`KeyboardInterrupt`), which ends them early.
        most: how many calls may be under way at once, if the plan doesn't say.
    """
    calls = _Calls(plan, mix, execute, run_id, stopping)
    with ThreadPoolExecutor(plan.callers or most, thread_name_prefix="call") as pool:
        try:
            if plan.callers is None:
                calls.make_when_due(pool)
            else:
                for each in [pool.submit(calls.repeat) for _ in range(plan.callers)]:
                    each.result()
        except KeyboardInterrupt:
            # What has begun ends, and nothing else begins.
            stopping.set()
            pool.shutdown(cancel_futures=True)
    return calls.outcomes


class _Calls:
    def __init__(
        self, plan: Plan, mix: Mix, execute: Execute, run_id: str, stopping: threading.Event
    ) -> None:
        self._plan = plan
        self._order = mix.order()
        self._execute = execute
        self._run_id = run_id
        self._lock = threading.Lock()
        self._outcomes: list[Outcome] = []
        self._begun = 0
        self._stopping = stopping
        self._started = time.monotonic()

    @property
    def outcomes(self) -> list[Outcome]:
        """The calls that have ended."""
        return list(self._outcomes)

    def make_when_due(self, pool: ThreadPoolExecutor) -> None:
        """Make each call when it is due, and wait for the last one."""
        futures = []
        for due in self._plan.due():
            time.sleep(max(0.0, due - self._elapsed()))
            entry, identity = self._next()
            futures.append(pool.submit(self._call, entry, identity, due, self._elapsed()))
        for each in futures:
            each.result()

    def repeat(self) -> None:
        """Make one call after another until the plan ends."""
        while not self._stopping.is_set() and (began := self._elapsed()) < self._plan.seconds:
            entry, identity = self._next()
            self._call(entry, identity, began, began)

    def _next(self) -> tuple[Entry, str]:
        with self._lock:
            entry, number = next(self._order), self._begun
            self._begun += 1
        return entry, f"{self._run_id}-{number}"

    def _call(self, entry: Entry, identity: str, due: float, sent: float) -> None:
        computed = time.thread_time()
        failure = self._execute(entry, identity)
        outcome = Outcome(
            entry=entry.name,
            due=due,
            ended=self._elapsed(),
            late=max(0.0, sent - due),
            failure=failure,
            computing=time.thread_time() - computed,
        )
        with self._lock:
            self._outcomes.append(outcome)

    def _elapsed(self) -> float:
        return time.monotonic() - self._started
