"""Runs drills one after another, and restores what each changed."""

import traceback
from collections.abc import Callable, Iterable
from typing import Final

from automation.checks.context import Context
from automation.checks.probe import Probe
from automation.checks.results import Outcome
from automation.checks.verdicts import Failed, Skipped, Undecided
from automation.controls import Controls
from automation.drills.exercise import Exercise, OnEvent, Options
from automation.drills.registry import Drill
from automation.drills.results import DrillResult
from automation.drills.signals import Interruptions

OnResult = Callable[[DrillResult], None]
_RESTORED: Final = "what the drill had changed is restored"


def run(
    drills: Iterable[Drill],
    context: Context,
    controls: Controls,
    options: Options,
    *,
    on_event: Callable[[Drill], OnEvent] = lambda _drill: lambda _seconds, _event: None,
    on_result: OnResult = lambda _result: None,
) -> tuple[DrillResult, ...]:
    """Run drills, and return their results in the same order.

    Args:
        controls: commands for what no API offers.
        on_event: called with each drill as it begins; returns what is called with its events.
        on_result: called with each result.

    Raises:
        KeyboardInterrupt: a signal interrupted a drill, and what it had changed is restored.
    """
    interruptions = Interruptions()
    results = []
    with interruptions.handled():
        for drill in drills:
            result = _run_one(drill, context, controls, options, on_event(drill), interruptions)
            on_result(result)
            results.append(result)
            if interruptions.requested:
                raise KeyboardInterrupt(_RESTORED)
    return tuple(results)


def _run_one(
    drill: Drill,
    context: Context,
    controls: Controls,
    options: Options,
    on_event: OnEvent,
    interruptions: Interruptions,
) -> DrillResult:
    with Probe(context) as probe, context.http_client() as http:
        exercise = Exercise(
            probe=probe, http=http, controls=controls, options=options, on_event=on_event
        )
        outcome, reason, interrupted = Outcome.PASSED, "", False
        try:
            with interruptions.interruptible():
                exercise.expect_healthy("before the drill")
                drill.run(exercise)
        except Skipped as skipped:
            outcome, reason = Outcome.SKIPPED, str(skipped)
        except Undecided as undecided:
            outcome, reason = Outcome.UNDECIDED, str(undecided)
        except Failed as failed:
            outcome, reason = Outcome.FAILED, str(failed)
        except KeyboardInterrupt:
            interrupted = True
        except Exception as error:  # whatever a drill raises fails it  # noqa: BLE001
            probe.note("The drill raised an exception", traceback.format_exc(limit=-3))
            outcome, reason = Outcome.FAILED, f"{type(error).__name__}: {error}"
        problems = exercise.restore()
        if not interrupted:
            try:
                problems += _find_problems(exercise, interruptions)
            except KeyboardInterrupt:
                interrupted = True
        if interrupted:
            raise KeyboardInterrupt("; ".join(problems) or _RESTORED)
        if problems:
            outcome, reason = Outcome.FAILED, "; ".join(filter(None, [reason, *problems]))
        return exercise.finish(outcome, reason, drill_id=drill.id, sentence=drill.sentence)


def _find_problems(exercise: Exercise, interruptions: Interruptions) -> list[str]:
    """Return what is wrong with the deployment after a drill."""
    try:
        with interruptions.interruptible():
            exercise.expect_healthy("after the drill")
    except Failed as unhealthy:
        return [str(unhealthy)]
    return []
