"""Measuring a stack, and keeping the measurements."""

from pathlib import Path

import pytest

from automation.load.outcomes import Failure, Outcome
from automation.load.plan import Plan
from automation.load.results import Run, summarize
from automation.size.calibration import (
    CalibrationError,
    Ladder,
    measurable,
    measure_levels,
    read_calibration,
)
from components.configuration import parse_settings
from components.settings import StackSettings

_LADDER = Ladder(
    callers=(1, 4),
    shares=(0.25, 0.5),
    rounds=3,
    seconds=10,
    rate_seconds=20,
    warm_up=0,
    first=5,
)


def _run(plan: Plan, *, seconds: float, failure: Failure | None = None) -> Run:
    callers = plan.callers or 1
    due = [number * seconds / callers for number in range(int(plan.seconds / seconds * callers))]
    outcomes = [
        Outcome(entry="read", due=each, ended=each + seconds, late=0.0, failure=failure)
        for each in (due if plan.callers else plan.due())
    ]
    return summarize("host", plan, outcomes, blank=str)


def test_every_amount_of_load_is_measured_in_every_round() -> None:
    plans: list[Plan] = []

    def measure(plan: Plan) -> Run:
        plans.append(plan)
        return _run(plan, seconds=0.05)

    lines: list[str] = []
    levels = measure_levels(measure, _LADDER, lines.append)

    # Four callers of 0.05 s reach 80 calls per second.
    assert [(each.callers, each.rate) for each in levels] == [
        (1, None),
        (4, None),
        (None, 20),
        (None, 40),
    ]
    assert [len(each.samples) for each in levels] == [3] * 4
    assert len(plans) == _LADDER.runs
    first, *measured = plans
    assert (first.callers, first.seconds) == (4, 5)
    assert [each.callers for each in measured] == [1, 4, None, None] * 3
    assert [each.seconds for each in measured] == [10, 10, 20, 20] * 3
    seeds = [each.seed for each in measured if each.callers is None]
    assert None not in seeds
    assert len(set(seeds)) == len(seeds)
    assert lines[1:] == [f"… Round {number} of 3" for number in (1, 2, 3)]


def test_a_level_is_the_median_of_its_samples() -> None:
    durations = iter([1.0, 0.05, 0.1, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.07, 0.05, 0.05, 0.05])

    levels = measure_levels(
        lambda plan: _run(plan, seconds=next(durations)), _LADDER, lambda _: None
    )

    assert levels[0].middle.mean == pytest.approx(0.05)
    assert levels[0].middle.kinds == {"read": pytest.approx(0.05)}
    assert levels[0].noise == pytest.approx((0.07 - 0.05) / 2 / 0.05)
    assert levels[1].noise == pytest.approx((0.1 - 0.05) / 2 / 0.05)


def test_failing_calls_end_the_measurement_with_their_reasons() -> None:
    failure = Failure(kind="HTTP 429", message="Too many requests")

    with pytest.raises(CalibrationError, match=r"200 of 200 calls failed.*\n.*Too many requests"):
        measure_levels(
            lambda plan: _run(plan, seconds=0.05, failure=failure), _LADDER, lambda _: None
        )


def test_calls_that_take_longer_than_a_run_are_reported() -> None:
    with pytest.raises(CalibrationError, match="No call was made in the measured time"):
        measure_levels(lambda plan: _run(plan, seconds=60), _LADDER, lambda _: None)


def test_a_ladder_leaves_out_more_callers_than_an_instance_takes() -> None:
    assert Ladder().up_to(10).callers == (1, 2, 4, 8)
    assert Ladder().up_to(50) == Ladder()


def test_a_ladder_is_bounded() -> None:
    assert Ladder().duration < 15 * 60


@pytest.mark.parametrize("content", [None, "{}", "not JSON", '{"kind": "load"}'])
def test_a_file_without_measurements_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "dev.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(CalibrationError, match=rf"(?s){path}.* size --calibrate"):
        read_calibration(path)


def _settings(**values: str) -> StackSettings:
    least = {
        "neo4jUri": "neo4j+s://database.example",
        "clients": '{"reader": {"scopes": ["reader"]}}',
    }
    return parse_settings({**least, **values}, project="neo4j-mcp", stack="dev")


def test_one_instance_of_app_runner_is_measured_until_a_second_one_starts() -> None:
    size, callers = measurable(_settings(cpu="512", memory="1024", maxConcurrency="20"))

    assert (size.cpu, size.memory, callers) == (512, 1024, 20)
    with pytest.raises(CalibrationError, match="neo4j-mcp:minInstances 1"):
        measurable(_settings(minInstances="2"))


def test_fargate_is_measured_if_it_can_have_one_task_only() -> None:
    size, _ = measurable(_settings(hosting="fargate", maxInstances="1", edge="true"))

    assert (size.cpu, size.memory) == (512, 1024)
    with pytest.raises(CalibrationError, match="neo4j-mcp:maxInstances 1"):
        measurable(_settings(hosting="fargate", edge="true"))


def test_lambda_is_measured_with_as_many_callers_as_it_has_environments() -> None:
    size, callers = measurable(_settings(hosting="lambda", maxInstances="6"))

    assert (size.cpu, size.memory, callers) == (None, 512, 6)
