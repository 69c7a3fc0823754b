"""Calls several targets in turn, so that a busy machine slows all of them, and compares them."""

import itertools
import math
import statistics
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from automation.load.outcomes import Outcome
from automation.load.plan import Plan
from automation.load.results import Metric, Ratio, Run, Summary, summarize

SETTLING: Final = 1.0
"""Seconds at the start of each slice that don't count, in which connections are made."""
_CONFIDENCE: Final = 0.95

Make = Callable[[Plan, str], Iterable[Outcome]]
"""Makes the calls of a plan; the text is the first part of those in unique parameters."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """A target of a comparison.

    Attributes:
        name: its name in the results.
        make: makes calls of it.
    """

    name: str
    make: Make


def rounds_of(plan: Plan, rounds: int) -> tuple[Plan, ...]:
    """Divide a plan of one rate, or of concurrent callers, into a slice for each round.

    Args:
        plan: its warm-up precedes the first slice.
    """
    *warming, steady = plan.phases
    first = sum(phase.seconds for phase in warming)
    settling = [max(first, SETTLING), *itertools.repeat(SETTLING, rounds - 1)]
    return tuple(
        replace(
            plan,
            # Other times in each round, and the same at each target.
            seed=None if plan.seed is None else plan.seed + number,
            phases=(
                replace(steady, name=f"warm-up {number}", seconds=seconds, measured=False),
                replace(steady, name=f"round {number}", seconds=steady.seconds / rounds),
            ),
        )
        for number, seconds in enumerate(settling, start=1)
    )


def compare(
    sides: Sequence[Side],
    plans: Sequence[Plan],
    *,
    run_id: str,
    stopping: threading.Event,
    blank: Callable[[str], str],
    notify: Callable[[str], object],
) -> tuple[Run, ...]:
    """Make each slice at each target in turn, and add up each target's calls.

    After an interruption, only what can be compared counts: the rounds that were complete, or what
    a single target was called for.

    Args:
        plans: the slices, one for each round.
        run_id: the first part of the texts in unique parameters.
        stopping: set when the calls were interrupted.
        blank: removes secrets from a text.
        notify: prints a line on the progress.

    Raises:
        KeyboardInterrupt: the calls were interrupted before anything counts.
    """
    outcomes: Mapping[str, list[Outcome]] = {side.name: [] for side in sides}
    made: list[Plan] = []
    for number, plan in enumerate(plans, start=1):
        slices = {}
        for side in sides:
            if len(plans) > 1:
                notify(f"… Round {number} of {len(plans)}: {side.name}")
            slices[side.name] = list(side.make(plan, f"{run_id}-{side.name}-{number}"))
            if stopping.is_set():
                break
        if stopping.is_set():
            if len(sides) > 1:
                break
            (found,) = slices.values()
            # Calls were made until the last one was due.
            plan = plan.until(max((each.due for each in found), default=0.0))  # noqa: PLW2901
        began = sum(each.seconds for each in made)
        for name, found in slices.items():
            outcomes[name].extend(_later(found, began))
        made.append(plan)
    phases = tuple(phase for plan in made for phase in plan.phases)
    if not any(phase.measured for phase in phases):
        raise KeyboardInterrupt
    whole = replace(plans[0], phases=phases)
    return tuple(summarize(name, whole, found, blank=blank) for name, found in outcomes.items())


def ratios(runs: Sequence[Run]) -> tuple[Ratio, ...]:
    """Compare each target with each later one, round by round."""
    return tuple(
        found
        for one, other in itertools.combinations(runs, 2)
        for metric in _metrics(one)
        if (found := _ratio(one, other, metric)) is not None
    )


def measured_summaries(run: Run) -> list[Summary]:
    """Return the summaries of a run's rounds."""
    return [summary for phase, summary in zip(run.plan, run.phases, strict=True) if phase.measured]


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return a 95 % confidence interval for the median, whatever the distribution.

    Args:
        values: at least one; of fewer than six, it is their range, which covers it less often.
    """
    ordered = sorted(values)
    count, outside, skipped = len(ordered), 0.0, 0
    # Between the k-th smallest and the k-th largest value, by the binomial distribution.
    while skipped + 1 < count - skipped - 1:
        outside += 2 * math.comb(count, skipped) / 2**count
        if outside + 2 * math.comb(count, skipped + 1) / 2**count > 1 - _CONFIDENCE:
            break
        skipped += 1
    return ordered[skipped], ordered[count - 1 - skipped]


def _later(outcomes: Iterable[Outcome], seconds: float) -> Iterator[Outcome]:
    for each in outcomes:
        yield replace(each, due=each.due + seconds, ended=each.ended + seconds)


def _metrics(run: Run) -> tuple[Metric, ...]:
    # At a rate, as many calls are made at every target.
    return ("p50", "p95") if run.callers is None else ("rate", "p50", "p95")


def _ratio(one: Run, other: Run, metric: Metric) -> Ratio | None:
    paired = zip(measured_summaries(one), measured_summaries(other), strict=True)
    values = [
        upper / lower
        for first, second in paired
        if (upper := _value(first, metric)) and (lower := _value(second, metric))
    ]
    if not values:
        return None
    low, high = median_interval(values)
    return Ratio(
        of=one.target,
        to=other.target,
        metric=metric,
        median=statistics.median(values),
        low=low,
        high=high,
        rounds=len(values),
    )


def _value(summary: Summary, metric: Metric) -> float:
    if summary.latency is None:
        return 0.0
    return {
        "rate": summary.rate,
        "p50": summary.latency.p50,
        "p95": summary.latency.p95,
    }[metric]
