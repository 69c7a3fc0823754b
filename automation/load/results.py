"""What the calls of a run add up to, as data for JSON and the page."""

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from automation.checks.results import Data, Text
from automation.load.outcomes import Outcome
from automation.load.plan import Phase, Plan

_MOST_SLICES: Final = 240


class Latency(Data):
    """Percentiles (nearest rank) of successful calls, in seconds from when they were due."""

    p50: float
    p90: float
    p95: float
    p99: float
    longest: float
    mean: float


class Summary(Data):
    """Calls counted together.

    Attributes:
        name: the phase, the kind of call, the client, or "all".
        calls: how many were made.
        rate: successful calls per second.
        failures: how many failed, by kind, the most frequent first.
        latency: None if no call succeeded.
        computing: the median of the seconds for which the caller itself computed in a successful
            call, which are part of the latency; 0 if they aren't known.
    """

    name: Text
    calls: int
    succeeded: int
    rate: float
    failures: Mapping[str, int]
    latency: Latency | None
    computing: float = 0.0

    @property
    def failed(self) -> int:
        """How many calls failed."""
        return self.calls - self.succeeded


class PlannedPhase(Data):
    """A phase of the plan.

    Attributes:
        began: seconds since the start of the run.
        start: calls per second at its start; 0 for concurrent callers.
        end: calls per second at its end.
        measured: whether its calls count in the totals.
    """

    name: str
    began: float
    seconds: float
    start: float
    end: float
    measured: bool


class Slice(Data):
    """The calls that were due in one slice of time.

    Attributes:
        began: in seconds since the start of the run.
        due: how many calls should have begun in it.
        succeeded: how many of them succeeded.
        completed: how many successful calls ended in it, whenever they began.
        failures: how many of those that were due in it failed, by kind.
        latency: None if none succeeded.
    """

    began: float
    due: int
    succeeded: int
    completed: int
    failures: Mapping[str, int]
    latency: Latency | None


class InstanceCount(Data):
    """How many instances the service had in a minute.

    Attributes:
        began: when the minute began, in seconds since the start of the run, at least 0.
    """

    began: float
    count: int


class Run(Data):
    """The calls at one target.

    Attributes:
        target: what was called.
        callers: the number of concurrent callers; None if calls were made when they were due.
        at_random: whether they were due at random times.
        total: the measured phases together.
        kinds: the measured phases, by kind of call.
        clients: the measured phases, by client; empty if a single client made all calls.
        phases: each phase, also those that aren't measured.
        width: the length of each slice, in seconds.
        late: the 99th percentile of how much later than due this machine sent a call, in seconds.
        examples: a message of each kind of failure.
        token_renewals: how many times a token was replaced meanwhile.
        rejected_tokens: how many tokens calls were rejected for.
        instances: how many instances the service had, by minute; empty if that isn't known.
    """

    target: Text
    callers: int | None
    at_random: bool = False
    plan: tuple[PlannedPhase, ...]
    total: Summary
    kinds: tuple[Summary, ...]
    clients: tuple[Summary, ...] = ()
    phases: tuple[Summary, ...]
    width: float
    slices: tuple[Slice, ...]
    late: float
    examples: Mapping[str, Text]
    token_renewals: int = 0
    rejected_tokens: int = 0
    instances: tuple[InstanceCount, ...] = ()


Metric = Literal["rate", "p50", "p95"]


class Ratio(Data):
    """How two targets compare, round by round.

    Attributes:
        of: the target above the line.
        to: the target below the line.
        metric: successful calls per second, or a percentile of the latency.
        median: the median of the rounds' ratios.
        low: the lower end of the median's 95 % confidence interval.
        high: its upper end.
        rounds: in how many rounds calls of both succeeded.
    """

    of: Text
    to: Text
    metric: Metric
    median: float
    low: float
    high: float
    rounds: int


class Hop(Data):
    """A part of the way of a call, and the time that it adds.

    Attributes:
        median: seconds that it adds to half of the calls; the median of the rounds.
        low: the lower end of the median's 95 % confidence interval.
        high: its upper end.
        emulated: whether a stand-in takes its place.
    """

    name: Text
    median: float
    low: float
    high: float
    emulated: bool = False


class Attribution(Data):
    """Where the time of a call goes.

    Attributes:
        hops: the parts, from the caller on; the last has all that follows.
        whole: what callers measure, as a hop.
        deployed: that without the emulated parts, as a hop; None if none was measured alone.
        rounds: how many rounds count: those in which calls of every target succeeded.
    """

    hops: Annotated[tuple[Hop, ...], Field(min_length=2)]
    whole: Hop
    deployed: Hop | None
    rounds: int


class LoadReport(Data):
    """One run of load on a stack.

    Attributes:
        kind: distinguishes the report from others.
        mix: the weights of the kinds of calls.
        environment: versions of the software, and addresses of what the run used.
        runs: one for each target; that of the host, as callers reach it, comes first.
        ratios: how the targets compare; empty if only the host was called.
        attribution: where the time of a call goes; None if nothing behind the host was called.
        skipped: targets that couldn't be called, with the reasons.
        interrupted: whether the calls were interrupted; the plans are then what was made of them.
    """

    kind: Literal["load"] = "load"
    stack: str
    started: dt.datetime
    seconds: float
    client: Text
    mix: Mapping[str, int]
    environment: Mapping[str, str]
    runs: Annotated[tuple[Run, ...], Field(min_length=1)]
    ratios: tuple[Ratio, ...] = ()
    attribution: Attribution | None = None
    skipped: Mapping[str, Text] = {}
    interrupted: bool = False


def summarize(
    target: str,
    plan: Plan,
    outcomes: Sequence[Outcome],
    *,
    blank: Callable[[str], str],
    token_renewals: int = 0,
) -> Run:
    """Add up the calls of a run.

    Args:
        target: a name for what was called.
        blank: removes secrets from a text.
    """
    measured = [each for each in outcomes if _is_measured(plan, each)]
    seconds = sum(phase.seconds for phase in plan.phases if phase.measured)
    width = math.ceil(max(plan.seconds, 1.0) / _MOST_SLICES)
    names = dict.fromkeys(each.entry for each in outcomes)
    clients = sorted({each.client for each in outcomes})
    return Run(
        target=target,
        callers=plan.callers,
        at_random=plan.seed is not None,
        plan=tuple(_planned(plan)),
        total=_summary("all", measured, seconds),
        kinds=tuple(
            _summary(name, [each for each in measured if each.entry == name], seconds)
            for name in sorted(names)
        ),
        clients=tuple(
            _summary(client, [each for each in measured if each.client == client], seconds)
            for client in clients
            if len(clients) > 1
        ),
        phases=tuple(
            _summary(
                phase.name,
                [each for each in outcomes if plan.phase_at(each.due) is phase],
                phase.seconds,
            )
            for phase in plan.phases
        ),
        width=width,
        slices=tuple(_slices(outcomes, plan.seconds, width)),
        late=percentile(sorted(each.late for each in measured), 0.99) if measured else 0.0,
        examples={
            each.failure.kind: blank(each.failure.message)
            for each in reversed(outcomes)
            if each.failure
        },
        token_renewals=token_renewals,
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile of values in ascending order.

    Args:
        ordered: at least one value.
        share: such as 0.95.
    """
    # 0.95 * 20 is a little more than 19 in floating point.
    rank = math.ceil(round(share * len(ordered), 9))
    return ordered[max(rank, 1) - 1]


def latency(outcomes: Iterable[Outcome]) -> Latency | None:
    """Return the percentiles of the successful calls; None if there are none."""
    ordered = sorted(each.seconds for each in outcomes if each.failure is None)
    if not ordered:
        return None
    return Latency(
        p50=percentile(ordered, 0.5),
        p90=percentile(ordered, 0.9),
        p95=percentile(ordered, 0.95),
        p99=percentile(ordered, 0.99),
        longest=ordered[-1],
        mean=sum(ordered) / len(ordered),
    )


def _is_measured(plan: Plan, outcome: Outcome) -> bool:
    phase = plan.phase_at(outcome.due)
    return phase is not None and phase.measured


def _planned(plan: Plan) -> Iterable[PlannedPhase]:
    began = 0.0
    for phase in plan.phases:
        yield _planned_phase(phase, began)
        began += phase.seconds


def _planned_phase(phase: Phase, began: float) -> PlannedPhase:
    return PlannedPhase(
        name=phase.name,
        began=began,
        seconds=phase.seconds,
        start=phase.start,
        end=phase.end,
        measured=phase.measured,
    )


def _summary(name: str, outcomes: Sequence[Outcome], seconds: float) -> Summary:
    succeeded = sum(each.failure is None for each in outcomes)
    return Summary(
        name=name,
        calls=len(outcomes),
        succeeded=succeeded,
        rate=succeeded / seconds,
        failures=_failures(outcomes),
        latency=latency(outcomes),
        computing=_computing(outcomes),
    )


def _computing(outcomes: Iterable[Outcome]) -> float:
    ordered = sorted(each.computing for each in outcomes if each.failure is None)
    return percentile(ordered, 0.5) if ordered else 0.0


def _failures(outcomes: Iterable[Outcome]) -> dict[str, int]:
    return dict(Counter(each.failure.kind for each in outcomes if each.failure).most_common())


def _slices(outcomes: Sequence[Outcome], seconds: float, width: int) -> Iterable[Slice]:
    last = max([seconds - width, *(each.ended for each in outcomes)])
    due: dict[int, list[Outcome]] = {}
    completed: Counter[int] = Counter()
    for each in outcomes:
        due.setdefault(int(each.due // width), []).append(each)
        if each.failure is None:
            completed[int(each.ended // width)] += 1
    for number in range(int(last // width) + 1):
        began = due.get(number, [])
        yield Slice(
            began=float(number * width),
            due=len(began),
            succeeded=sum(each.failure is None for each in began),
            completed=completed[number],
            failures=_failures(began),
            latency=latency(began),
        )
