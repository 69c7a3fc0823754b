"""Runs drills, one after another, and has each restore what it changed."""

import traceback
from collections.abc import Callable, Iterable

from automation.checks.context import Context
from automation.checks.probe import Probe
from automation.checks.results import Outcome
from automation.checks.verdicts import Failed, Skipped, Undecided
from automation.controls import Controls
from automation.drills.exercise import Exercise, Options, Watch
from automation.drills.registry import Drill
from automation.drills.results import DrillResult
from automation.drills.signals import Interruptions

Begin = Callable[[Drill], Watch]
Tell = Callable[[DrillResult], None]


def run(
    drills: Iterable[Drill],
    context: Context,
    controls: Controls,
    options: Options,
    *,
    begin: Begin = lambda _drill: lambda _seconds, _event: None,
    tell: Tell = lambda _result: None,
) -> tuple[DrillResult, ...]:
    """Run drills.

    Args:
        drills: the drills.
        context: the deployment.
        controls: commands for what no API offers.
        options: how drills are run.
        begin: called as a drill begins; gives what is told its events.
        tell: called with each result.

    Returns:
        The results, in the order of the drills.

    Raises:
        KeyboardInterrupt: the person, or the pipeline, wants an end. What the drill had changed
            is restored.
    """
    interruptions = Interruptions()
    results = []
    with interruptions.taken():
        for drill in drills:
            result = _run_one(drill, context, controls, options, begin(drill), interruptions)
            tell(result)
            results.append(result)
            if interruptions.requested:
                raise KeyboardInterrupt
    return tuple(results)


def _run_one(
    drill: Drill,
    context: Context,
    controls: Controls,
    options: Options,
    watch: Watch,
    interruptions: Interruptions,
) -> DrillResult:
    with Probe(context) as probe, context.http_client() as http:
        exercise = Exercise(probe=probe, http=http, controls=controls, options=options, watch=watch)
        outcome, reason, interrupted = Outcome.PASSED, "", False
        try:
            with interruptions.interruptible():
                exercise.expect_well("before the drill")
                drill.run(exercise)
        except Skipped as skipped:
            outcome, reason = Outcome.SKIPPED, str(skipped)
        except Undecided as undecided:
            outcome, reason = Outcome.UNDECIDED, str(undecided)
        except Failed as failed:
            outcome, reason = Outcome.FAILED, str(failed)
        except KeyboardInterrupt:
            interrupted = True
        except Exception as error:  # a drill that breaks has failed, whatever broke  # noqa: BLE001
            probe.note("The drill broke off", traceback.format_exc(limit=-3))
            outcome, reason = Outcome.FAILED, f"{type(error).__name__}: {error}"
        problems = exercise.restore()
        if interrupted:
            restored = "what the drill had changed is restored"
            raise KeyboardInterrupt("; ".join(problems) or restored)
        try:
            with interruptions.interruptible():
                exercise.expect_well("after the drill")
        except Failed as unwell:
            problems.append(str(unwell))
        if problems:
            outcome, reason = Outcome.FAILED, "; ".join(filter(None, [reason, *problems]))
        return exercise.finish(outcome, reason, drill_id=drill.id, sentence=drill.sentence)
