"""The model's parameters, and how well it predicts what it wasn't fitted to."""

import datetime as dt
import math
from dataclasses import replace

import pytest

from automation.checks.results import Outcome
from automation.size.calibration import STAND_IN, read_calibration
from automation.size.fit import (
    TOLERANCE,
    Deviation,
    FitError,
    Validation,
    cross_validate,
    deviations,
    fit,
    with_mix,
)
from automation.size.measurements import Calibration, Level, Sample, Size
from automation.size.model import Parameters, predict_callers
from components.settings import Hosting
from tests.automation.size.simulation import Instance

_CALLERS = (1, 2, 4, 8, 16)


def _simulated(instance: Instance) -> list[Level]:
    capacity = instance.servers / instance.work
    return [
        *(instance.level_of_callers(callers, calls=6000, seed=callers) for callers in _CALLERS),
        *(
            instance.level_of_rate(capacity * share, calls=8000, seed=number)
            for number, share in enumerate((0.35, 0.65))
        ),
    ]


def _exact(parameters: Parameters) -> list[Level]:
    every = (*_CALLERS, 32, 64)
    found = [predict_callers(parameters, callers) for callers in every]
    return [
        Level(
            callers=callers,
            samples=(
                Sample(
                    throughput=each.throughput,
                    mean=each.mean,
                    p50=each.percentile(0.5),
                    p95=each.percentile(0.95),
                    failed=0,
                    kinds={},
                ),
            ),
        )
        for callers, each in zip(every, found, strict=True)
    ]


def test_the_parameters_are_found_again() -> None:
    wanted = Parameters(delay=0.015, service=0.02, servers=4, spread=0.4, busy_spread=0.2)

    found = fit(_exact(wanted))

    assert found.servers == wanted.servers
    assert found.delay == pytest.approx(wanted.delay, rel=0.05)
    assert found.service == pytest.approx(wanted.service, rel=0.05)
    assert found.scaling == pytest.approx(0, abs=0.02)
    assert found.spread == pytest.approx(wanted.spread, rel=0.1)
    assert found.busy_spread == pytest.approx(wanted.busy_spread, rel=0.3)


def test_a_slower_pace_with_more_calls_is_found() -> None:
    wanted = Parameters(delay=0.015, service=0.02, servers=2, scaling=-0.2)

    found = fit(_exact(wanted))

    assert found.scaling == pytest.approx(wanted.scaling, abs=0.02)
    assert max(each.largest for each in deviations(found, _exact(wanted))) < 0.05


@pytest.mark.parametrize(
    "instance",
    [
        Instance(delay=0.008, work=0.007, servers=1, works=1.0),
        pytest.param(Instance(delay=0.008, work=0.007, servers=1), marks=pytest.mark.slow),
        pytest.param(Instance(delay=0.05, work=0.02, servers=4, shape=2), marks=pytest.mark.slow),
    ],
    ids=["pauses", "one processor", "four processors"],
)
def test_a_simulated_run_is_predicted_from_the_others(instance: Instance) -> None:
    for each in cross_validate(_simulated(instance)).deviations:
        assert each.largest <= TOLERANCE, f"{each.level}: {each}"


def test_a_model_of_something_else_predicts_badly() -> None:
    levels = _simulated(Instance(delay=0.008, work=0.007, servers=1))
    other = fit(_simulated(Instance(delay=0.008, work=0.007, servers=2)))

    assert max(each.largest for each in deviations(other, levels)) > TOLERANCE


@pytest.mark.slow
def test_each_measurement_of_the_stand_in_is_predicted_from_the_others() -> None:
    found = cross_validate(read_calibration(STAND_IN).levels)

    if found.outcome is Outcome.UNDECIDED:
        pytest.skip(f"{found} The command: make size-record")
    assert found.outcome is Outcome.PASSED, str(found)


@pytest.mark.parametrize(
    ("off", "uncertainty", "outcome"),
    [
        (0.1, 0.01, Outcome.PASSED),
        (0.1, 0.3, Outcome.PASSED),
        (-0.16, 0.01, Outcome.FAILED),
        (0.16, 0.07, Outcome.FAILED),
        (0.16, 0.08, Outcome.UNDECIDED),
    ],
)
def test_predictions_are_judged_only_if_the_measurements_agree(
    off: float, uncertainty: float, outcome: Outcome
) -> None:
    level = _exact(Parameters(delay=0.015, service=0.02, servers=4))[0]
    near = Deviation(level=level, prediction=None, throughput=0, mean=0.01, p50=0, p95=0)
    far = replace(near, p95=off)

    found = Validation(deviations=(near, far), uncertainty=uncertainty)

    assert found.outcome is outcome
    assert f"{abs(off):.0%}" in str(found)


def test_the_uncertainty_falls_with_more_rounds() -> None:
    one = _exact(Parameters(delay=0.015, service=0.02, servers=4))[0]
    (sample,) = one.samples
    means = (0.9, 0.95, 1.0, 1.05, 1.1)
    few = tuple(sample.model_copy(update={"mean": sample.mean * each}) for each in means)
    level = one.model_copy(update={"samples": few})
    more = one.model_copy(update={"samples": few * 4})

    assert one.uncertainty == math.inf
    assert level.noise == pytest.approx(0.05)
    assert level.uncertainty == pytest.approx(0.05 * 1.858 / 5**0.5, rel=1e-3)
    assert more.uncertainty == pytest.approx(level.uncertainty / 2)


def test_too_few_levels_are_refused() -> None:
    with pytest.raises(FitError, match="needs 4 levels"):
        fit(_exact(Parameters(delay=0.015, service=0.02, servers=4))[:3])


def _calibration(kinds: dict[str, float]) -> Calibration:
    sample = Sample(throughput=10, mean=0.02, p50=0.02, p95=0.03, failed=0, kinds=kinds)
    return Calibration(
        stack="dev",
        started=dt.datetime(2026, 11, 27, tzinfo=dt.UTC),
        seconds=1,
        machine="a machine",
        size=Size(hosting=Hosting.APP_RUNNER, cpu=1024, memory=2048),
        mix={"read": 9, "write": 1},
        environment={},
        levels=(Level(callers=1, samples=(sample,)),),
    )


def test_another_mix_takes_as_long_as_its_kinds() -> None:
    parameters = Parameters(delay=0.01, service=0.01, servers=1)
    calibration = _calibration({"read": 0.01, "write": 0.11})

    found = with_mix(parameters, calibration, {"read": 1, "write": 1})

    # On average 0.02 s as measured, and 0.06 s in equal parts.
    assert (found.delay, found.service) == pytest.approx((0.03, 0.03))
    assert with_mix(parameters, calibration, calibration.mix) == parameters


def test_a_kind_of_call_that_was_not_measured_is_refused() -> None:
    parameters = Parameters(delay=0.01, service=0.01, servers=1)

    with pytest.raises(FitError, match="no calls named by-title, only: read, write"):
        with_mix(parameters, _calibration({"read": 0.01, "write": 0.11}), {"by-title": 1})
