"""Several targets are called in turn, and compared round by round."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from automation.load.comparison import SETTLING, Side, compare, median_interval, ratios, rounds_of
from automation.load.outcomes import Failure, Outcome
from automation.load.plan import Plan, concurrent, steady
from automation.load.results import Run


def _side(name: str, seconds: float, journal: list[str], *, fails: bool = False) -> Side:
    """Make a target at which every call takes as long."""

    def make(plan: Plan, run_id: str) -> Iterator[Outcome]:
        journal.append(run_id)
        failure = Failure(kind="HTTP 503", message="no") if fails else None
        for number in range(round(plan.seconds / seconds)):
            due = number * seconds
            yield Outcome(entry="read", due=due, ended=due + seconds, late=0.0, failure=failure)

    return Side(name=name, make=make)


def _compared(*sides: Side, plan: Plan | None = None, rounds: int = 2) -> tuple[Run, ...]:
    plans = rounds_of(plan or concurrent(1, warm_up=3, seconds=8), rounds)
    return compare(sides, plans, run_id="run", stopping=threading.Event(), blank=str, notify=str)


def test_the_warm_up_precedes_the_first_round_and_connections_every_round() -> None:
    plans = rounds_of(concurrent(4, warm_up=3, seconds=8), 2)
    assert [
        [(phase.name, phase.seconds, phase.measured) for phase in plan.phases] for plan in plans
    ] == [
        [("warm-up 1", 3, False), ("round 1", 4, True)],
        [("warm-up 2", SETTLING, False), ("round 2", 4, True)],
    ]
    assert {plan.callers for plan in plans} == {4}


def test_random_times_differ_in_each_round() -> None:
    first, second = rounds_of(replace(steady(5, warm_up=3, seconds=8), seed=1), 2)
    assert [each - 3 for each in first.due() if each > 3] != [
        each - SETTLING for each in second.due() if each > SETTLING
    ]
    assert None not in {first.seed, second.seed}
    assert first.seed != second.seed


def test_a_rate_stays_the_same_in_every_round() -> None:
    plans = rounds_of(steady(20, warm_up=0, seconds=6), 3)
    assert [len(list(plan.due())) for plan in plans] == [60, 60, 60]


def test_the_targets_are_called_in_turn() -> None:
    journal: list[str] = []
    _compared(_side("host", 0.5, journal), _side("bolt", 0.25, journal))
    assert journal == ["run-host-1", "run-bolt-1", "run-host-2", "run-bolt-2"]


def test_only_the_rounds_count_and_the_slices_of_a_target_follow_each_other() -> None:
    (run,) = _compared(_side("host", 0.5, []))
    assert [(each.name, each.calls) for each in run.phases] == [
        ("warm-up 1", 6),
        ("round 1", 8),
        ("warm-up 2", 2),
        ("round 2", 8),
    ]
    assert (run.total.calls, run.total.rate) == (16, 2.0)


def test_targets_are_compared_in_every_metric_that_can_differ() -> None:
    sides = (_side("host", 0.5, []), _side("bolt", 0.25, []))
    found = {(each.of, each.to, each.metric): each for each in ratios(_compared(*sides))}
    assert {key: each.median for key, each in found.items()} == {
        ("host", "bolt", "rate"): 0.5,
        ("host", "bolt", "p50"): 2.0,
        ("host", "bolt", "p95"): 2.0,
    }
    assert {(each.low, each.high, each.rounds) for each in found.values()} == {
        (0.5, 0.5, 2),
        (2.0, 2.0, 2),
    }


def test_the_rates_are_not_compared_if_the_plan_determines_them() -> None:
    sides = (_side("host", 0.5, []), _side("bolt", 0.25, []))
    found = ratios(_compared(*sides, plan=steady(2, warm_up=1, seconds=8)))
    assert [each.metric for each in found] == ["p50", "p95"]


def test_a_ratio_is_the_median_over_the_rounds() -> None:
    durations = iter([0.5, 0.25, 0.5])

    def make(plan: Plan, run_id: str) -> Iterator[Outcome]:
        return iter(_side("host", next(durations), []).make(plan, run_id))

    sides = (Side(name="host", make=make), _side("bolt", 0.25, []))
    found = next(each for each in ratios(_compared(*sides, rounds=3)) if each.metric == "p50")
    assert (found.median, found.low, found.high, found.rounds) == (2.0, 1.0, 2.0, 3)


def test_a_target_without_a_successful_call_has_no_ratio() -> None:
    sides = (_side("host", 0.5, []), _side("peer", 0.5, [], fails=True))
    assert ratios(_compared(*sides)) == ()


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # The ranks for a coverage of 95 %, as in tables of the sign test.
    [(1, 1, 1), (2, 1, 2), (6, 1, 6), (8, 1, 8), (9, 2, 8), (12, 3, 10), (20, 6, 15)],
)
def test_the_interval_of_a_median_is_that_of_the_sign_test(count: int, low: int, high: int) -> None:
    values = [float(each) for each in range(count, 0, -1)]
    assert median_interval(values) == (low, high)


def _interrupted(side: Side, run_id: str, stopping: threading.Event) -> Side:
    """Interrupt a target's calls in the middle of a slice."""

    def make(plan: Plan, made: str) -> Iterator[Outcome]:
        calls = list(side.make(plan, made))
        if made == run_id:
            stopping.set()
            calls = calls[: len(calls) // 2]
        return iter(calls)

    return Side(name=side.name, make=make)


def test_after_an_interruption_the_complete_rounds_are_compared() -> None:
    stopping, journal = threading.Event(), list[str]()
    sides = (
        _side("host", 0.5, journal),
        _interrupted(_side("bolt", 0.25, journal), "run-bolt-2", stopping),
    )
    plans = rounds_of(concurrent(1, warm_up=3, seconds=12), 3)
    runs = compare(sides, plans, run_id="run", stopping=stopping, blank=str, notify=str)
    assert journal[-1] == "run-bolt-2"
    assert [[phase.name for phase in run.plan] for run in runs] == [["warm-up 1", "round 1"]] * 2
    assert [run.total.rate for run in runs] == [2.0, 4.0]


def test_after_an_interruption_a_single_target_has_the_rate_of_the_time_until_then() -> None:
    stopping = threading.Event()
    side = _interrupted(_side("host", 0.5, []), "run-host-1", stopping)
    (run,) = compare(
        [side],
        (concurrent(1, warm_up=0, seconds=80),),
        run_id="run",
        stopping=stopping,
        blank=str,
        notify=str,
    )
    (phase,) = run.plan
    assert phase.seconds == 39.5
    assert run.total.rate == pytest.approx(2.0, rel=0.02)


def test_nothing_is_returned_if_nothing_was_measured() -> None:
    stopping = threading.Event()
    side = _interrupted(_side("host", 0.5, []), "run-host-1", stopping)
    plans = (concurrent(1, warm_up=20, seconds=20),)
    with pytest.raises(KeyboardInterrupt):
        compare([side], plans, run_id="run", stopping=stopping, blank=str, notify=str)
