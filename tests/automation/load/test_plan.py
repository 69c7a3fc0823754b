"""When calls are due."""

from dataclasses import replace
from itertools import pairwise
from statistics import fmean, pstdev

import pytest

from automation.load.plan import Plan, concurrent, ramp, spike, steady


def _gaps(plan: Plan) -> list[float]:
    due = list(plan.due())
    return [later - earlier for earlier, later in pairwise(due)]


def test_a_steady_rate_is_even() -> None:
    plan = steady(4, warm_up=1, seconds=2)
    assert list(plan.due()) == pytest.approx([number / 4 for number in range(12)])
    assert [(each.name, each.measured) for each in plan.phases] == [
        ("warm-up", False),
        ("steady", True),
    ]


def test_no_warm_up_is_no_phase() -> None:
    assert [each.name for each in steady(4, warm_up=0, seconds=2).phases] == ["steady"]
    assert [each.name for each in concurrent(4, warm_up=0, seconds=2).phases] == ["steady"]


@pytest.mark.parametrize("rate", [0.3, 1 / 3, 7, 99.9, 1000])
def test_no_call_is_lost_between_phases(rate: float) -> None:
    plan = steady(rate, warm_up=10, seconds=20)
    due = list(plan.due())
    assert due == sorted(due)
    assert all(0 <= each < 30 for each in due)
    assert len(due) == pytest.approx(30 * rate, abs=1)
    assert _gaps(plan) == pytest.approx([1 / rate] * (len(due) - 1))


@pytest.mark.parametrize(("rate", "peak"), [(10, 50), (50, 10), (0, 20), (20, 0)])
def test_a_ramp_changes_evenly(rate: float, peak: float) -> None:
    plan = ramp(rate, peak, warm_up=0, seconds=10)
    due = list(plan.due())
    assert len(due) == pytest.approx((rate + peak) / 2 * 10, abs=1)
    for second in range(10):
        expected = rate + (peak - rate) * (second + 0.5) / 10
        assert sum(second <= each < second + 1 for each in due) == pytest.approx(expected, abs=1)


def test_a_spike_lasts_for_a_third() -> None:
    plan = spike(10, 100, warm_up=3, seconds=9)
    counts = [sum(at <= each < at + 3 for each in plan.due()) for at in (0, 3, 6, 9)]
    assert counts == [30, 30, 300, 30]
    assert [each.name for each in plan.phases] == ["warm-up", "before", "spike", "after"]


def test_callers_have_no_due_times() -> None:
    plan = concurrent(8, warm_up=5, seconds=10)
    assert plan.callers == 8
    assert list(plan.due()) == []


def test_a_phase_ends_where_the_next_one_begins() -> None:
    plan = steady(4, warm_up=1, seconds=2)
    found = [phase.name if (phase := plan.phase_at(at)) else None for at in (0, 0.99, 1, 2.99, 3)]
    assert found == ["warm-up", "warm-up", "steady", "steady", None]


def test_random_calls_are_as_many_and_as_irregular_as_independent_callers() -> None:
    even = steady(50, warm_up=10, seconds=190)
    plan = replace(even, seed=7)

    due = list(plan.due())
    gaps = _gaps(plan)
    mean = fmean(gaps)

    assert due == sorted(due)
    # A Poisson process: the deviation of a count is its root, and that of a gap is its mean.
    assert len(due) == pytest.approx(10_000, abs=4 * 100)
    assert pstdev(gaps) == pytest.approx(mean, rel=0.05)
    assert due == list(plan.due())
    assert due != list(replace(even, seed=8).due())


def test_random_calls_follow_a_ramp() -> None:
    plan = replace(ramp(0, 200, warm_up=0, seconds=100), seed=7)
    due = list(plan.due())

    assert sum(each < 50 for each in due) == pytest.approx(2500, abs=4 * 50)
    assert sum(each >= 50 for each in due) == pytest.approx(7500, abs=4 * 87)


def test_an_interrupted_plan_ends_where_it_was_interrupted() -> None:
    plan = ramp(10, 30, warm_up=5, seconds=10).until(10)
    assert [(each.name, each.seconds, each.start, each.end) for each in plan.phases] == [
        ("warm-up", 5, 10, 10),
        ("ramp", 5, 10, 20),
    ]
    assert [each.name for each in ramp(10, 30, warm_up=5, seconds=10).until(3).phases] == [
        "warm-up"
    ]
    assert plan.until(0).phases == ()
