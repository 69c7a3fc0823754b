"""Where the time of a call goes."""

import threading
from collections.abc import Iterator, Mapping

import pytest

from automation.load.attribution import DATABASE, GATEWAY, SERVER, attribute
from automation.load.comparison import Side, compare, rounds_of
from automation.load.outcomes import Failure, Outcome
from automation.load.plan import Plan, concurrent
from automation.load.results import Attribution, Run

FRONT = "the load balancer"
WHOLE = {"host": 0.1, "container": 0.07, "statements": 0.05, "database": 0.02}
"""Seconds that a call of each target takes."""


def _runs(
    seconds: Mapping[str, float], *, computing: float = 0.0, failing: tuple[str, ...] = ()
) -> tuple[Run, ...]:
    def side(name: str) -> Side:
        def make(plan: Plan, run_id: str) -> Iterator[Outcome]:
            fails = run_id.removeprefix("run-") in failing
            for number in range(round(plan.seconds * 10)):
                yield Outcome(
                    entry="read",
                    due=number / 10,
                    ended=number / 10 + seconds[name],
                    late=0.0,
                    failure=Failure(kind="timeout", message="") if fails else None,
                    computing=computing if name in {"statements", "database"} else 0.0,
                )

        return Side(name=name, make=make)

    plans = rounds_of(concurrent(1, warm_up=0, seconds=6), 3)
    sides = [side(name) for name in seconds]
    return compare(sides, plans, run_id="run", stopping=threading.Event(), blank=str, notify=str)


def _times(found: Attribution | None) -> dict[str, float]:
    assert found is not None
    return {hop.name: round(hop.median, 6) for hop in found.hops}


def test_each_part_adds_the_difference_between_two_targets() -> None:
    found = attribute(_runs(WHOLE), front=FRONT, emulated={FRONT, GATEWAY})
    assert _times(found) == {FRONT: 0.03, SERVER: 0.02, GATEWAY: 0.03, DATABASE: 0.02}
    assert found is not None
    assert found.whole.median == pytest.approx(0.1)
    assert found.deployed is not None
    assert found.deployed.name == f"without {FRONT} and {GATEWAY}"
    assert found.deployed.median == pytest.approx(0.04)
    assert [hop.name for hop in found.hops if hop.emulated] == [FRONT, GATEWAY]
    assert found.rounds == 3


def test_what_python_computes_is_not_a_part() -> None:
    found = attribute(_runs(WHOLE, computing=0.01), front=FRONT, emulated=())
    assert _times(found) == {FRONT: 0.03, SERVER: 0.03, GATEWAY: 0.03, DATABASE: 0.01}


@pytest.mark.parametrize(
    ("called", "parts"),
    [
        (("host", "container"), {FRONT: 0.03, f"{SERVER} and {DATABASE}": 0.07}),
        (
            ("host", "container", "statements"),
            {FRONT: 0.03, SERVER: 0.02, DATABASE: 0.05},
        ),
        (
            ("host", "container", "database"),
            {FRONT: 0.03, f"{SERVER} and {GATEWAY}": 0.05, DATABASE: 0.02},
        ),
        (("host", "statements"), {f"{FRONT} and {SERVER}": 0.05, DATABASE: 0.05}),
        (
            ("host", "database"),
            {f"{FRONT}, {SERVER} and {GATEWAY}": 0.08, DATABASE: 0.02},
        ),
    ],
)
def test_what_was_not_called_separately_is_one_part(
    called: tuple[str, ...], parts: dict[str, float]
) -> None:
    found = attribute(
        _runs({name: WHOLE[name] for name in called}), front=FRONT, emulated={FRONT, GATEWAY}
    )
    assert _times(found) == parts


@pytest.mark.parametrize(
    ("called", "name"),
    [
        (("host", "container"), f"without {FRONT}"),
        (("host", "statements", "database"), f"without {GATEWAY}"),
        (("host", "statements"), None),
        (("host", "database"), None),
    ],
)
def test_only_what_was_called_separately_is_left_out(
    called: tuple[str, ...], name: str | None
) -> None:
    found = attribute(
        _runs({name: WHOLE[name] for name in called}), front=FRONT, emulated={FRONT, GATEWAY}
    )
    assert found is not None
    assert (found.deployed.name if found.deployed else None) == name


def test_a_round_without_calls_of_all_targets_does_not_count() -> None:
    found = attribute(_runs(WHOLE, failing=("container-2",)), front=FRONT, emulated=())
    assert found is not None
    assert found.rounds == 2


@pytest.mark.parametrize("name", ["host", "bolt", "peer"])
def test_a_target_that_is_not_behind_the_host_explains_nothing(name: str) -> None:
    assert attribute(_runs({"host": 0.1, name: 0.1}), front=FRONT, emulated=()) is None
