"""Runs checks in parallel where that is safe, each within its time limit."""

import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from automation.checks.context import Context
from automation.checks.probe import Probe
from automation.checks.registry import Check
from automation.checks.results import Exchange, Outcome, Result
from automation.checks.verdicts import Failed, Skipped, Undecided

_THREADS = 6

OnResult = Callable[[Result], None]


def run(
    checks: Iterable[Check], context: Context, on_result: OnResult | None = None
) -> tuple[Result, ...]:
    """Run checks.

    Serial checks run one after another, in parallel with the others. Checks with the longest time
    limit start first, because they spend their time waiting.

    Args:
        checks: the checks to run.
        context: the stack under test.
        on_result: called with each result as soon as it is known, by one thread at a time.

    Returns:
        The results in the order of the checks' ids.
    """
    lock = threading.Lock()

    def run_and_report(check: Check) -> Result:
        result = run_one(check, context)
        if on_result is not None:
            with lock:
                on_result(result)
        return result

    def run_in_turn(lane: Sequence[Check]) -> list[Result]:
        return [run_and_report(check) for check in lane if not context.stopping.is_set()]

    ordered = sorted(checks, key=lambda check: (-check.limit, check.id))
    serial = [check for check in ordered if check.serial]
    parallel = [check for check in ordered if not check.serial]
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="check") as pool:
        try:
            lanes = [pool.submit(run_in_turn, serial)]
            lanes += [pool.submit(run_in_turn, [check]) for check in parallel]
            results = [result for lane in as_completed(lanes) for result in lane.result()]
        except BaseException:
            # Running checks notice this, delete what they wrote, and end.
            context.stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(sorted(results, key=lambda result: result.id))


def run_one(check: Check, context: Context) -> Result:
    """Run a check within its time limit.

    Returns:
        The result, also of a check that raised an unexpected exception.
    """
    started = time.monotonic()
    attempt = _Attempt(check, context)
    attempt.start()
    attempt.join(check.limit)
    seconds = round(time.monotonic() - started, 3)
    outcome, reason = attempt.verdict
    evidence = tuple(attempt.evidence)
    if outcome is Outcome.PASSED and not evidence:
        outcome, reason = Outcome.FAILED, "the check made no request"
    return Result(
        id=check.id,
        sentence=check.sentence,
        outcome=outcome,
        reason=reason,
        seconds=seconds,
        evidence=evidence,
    )


class _Attempt(threading.Thread):
    """Runs a check in a separate thread, which is abandoned at the check's time limit.

    Everything that it waits for has a time limit too, so it ends later by itself.
    """

    def __init__(self, check: Check, context: Context) -> None:
        super().__init__(name=check.id, daemon=True)
        self.verdict = (Outcome.UNDECIDED, f"it didn't end within {check.limit:g} s")
        self.evidence: Sequence[Exchange] = ()
        self._check = check
        self._context = context

    def run(self) -> None:
        with Probe(self._context) as probe:
            self.evidence = probe.evidence
            try:
                self._check.function(probe)
            except Skipped as skipped:
                self.verdict = (Outcome.SKIPPED, str(skipped))
            except Undecided as undecided:
                self.verdict = (Outcome.UNDECIDED, str(undecided))
            except Failed as failed:
                self.verdict = (Outcome.FAILED, str(failed))
            except Exception as error:  # any exception in a check is a failed check  # noqa: BLE001
                probe.note("The check raised an exception", traceback.format_exc(limit=-3))
                self.verdict = (Outcome.FAILED, f"{type(error).__name__}: {error}")
            else:
                self.verdict = (Outcome.PASSED, "")
