"""Runs checks side by side where that is safe, each within its time limit."""

import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from automation.checks.context import Context
from automation.checks.inspection import Inspection
from automation.checks.registry import Check
from automation.checks.results import Exchange, Outcome, Result
from automation.checks.verdicts import Failed, Skipped, Undecided

_AT_ONCE = 6

Tell = Callable[[Result], None]


def run(checks: Iterable[Check], context: Context, tell: Tell | None = None) -> tuple[Result, ...]:
    """Run checks.

    Those that change something run one after another, beside the others. The longest begin
    first, because they wait rather than work.

    Args:
        checks: the checks.
        context: the deployment.
        tell: called with each result as soon as it is known, from one thread at a time.

    Returns:
        The results, in the order of the checks' ids.
    """
    lock = threading.Lock()

    def look(check: Check) -> Result:
        result = run_one(check, context)
        if tell is not None:
            with lock:
                tell(result)
        return result

    def look_at_each(lane: Sequence[Check]) -> list[Result]:
        return [look(check) for check in lane if not context.stopping.is_set()]

    ordered = sorted(checks, key=lambda check: (-check.limit, check.id))
    serial = [check for check in ordered if check.serial]
    side_by_side = [check for check in ordered if not check.serial]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="check") as pool:
        try:
            lanes = [pool.submit(look_at_each, serial)]
            lanes += [pool.submit(look_at_each, [check]) for check in side_by_side]
            results = [result for lane in as_completed(lanes) for result in lane.result()]
        except BaseException:
            # Those that run end soon, and take away what they wrote.
            context.stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(sorted(results, key=lambda result: result.id))


def run_one(check: Check, context: Context) -> Result:
    """Run one check within its time limit.

    Args:
        check: the check.
        context: the deployment.

    Returns:
        Its result; whatever went wrong is in it.
    """
    started = time.monotonic()
    attempt = _Attempt(check, context)
    attempt.start()
    attempt.join(check.limit)
    seconds = round(time.monotonic() - started, 3)
    outcome, reason = attempt.verdict
    evidence = tuple(attempt.evidence)
    if outcome is Outcome.PASSED and not evidence:
        outcome, reason = Outcome.FAILED, "the check looked at nothing"
    return Result(
        id=check.id,
        sentence=check.sentence,
        outcome=outcome,
        reason=reason,
        seconds=seconds,
        evidence=evidence,
    )


class _Attempt(threading.Thread):
    """A thread of its own, because a thread that hangs can only be left behind.

    Whatever it waits for has a time limit too, so it ends later by itself.
    """

    def __init__(self, check: Check, context: Context) -> None:
        super().__init__(name=check.id, daemon=True)
        self.verdict = (Outcome.UNDECIDED, f"it didn't end within {check.limit:g} s")
        self.evidence: Sequence[Exchange] = ()
        self._check = check
        self._context = context

    def run(self) -> None:
        with Inspection(self._context) as inspection:
            self.evidence = inspection.evidence
            try:
                self._check.look(inspection)
            except Skipped as skipped:
                self.verdict = (Outcome.SKIPPED, str(skipped))
            except Undecided as undecided:
                self.verdict = (Outcome.UNDECIDED, str(undecided))
            except Failed as failed:
                self.verdict = (Outcome.FAILED, str(failed))
            except Exception as error:  # a check that breaks has failed, whatever broke  # noqa: BLE001
                inspection.note("The check broke off", traceback.format_exc(limit=-3))
                self.verdict = (Outcome.FAILED, f"{type(error).__name__}: {error}")
            else:
                self.verdict = (Outcome.PASSED, "")
