"""How long calls take under load."""

import math
from dataclasses import replace

import pytest

from automation.size.model import OverloadError, Parameters, predict_callers, predict_rate


def _parameters(
    *, delay: float = 0.02, service: float = 0.01, servers: int = 1, scaling: float = 0.0
) -> Parameters:
    return Parameters(delay=delay, service=service, servers=servers, scaling=scaling)


@pytest.mark.parametrize("rate", [1, 50, 90, 99])
def test_one_processor_is_the_textbooks_queue(rate: float) -> None:
    found = predict_rate(_parameters(), rate)

    assert found.mean == pytest.approx(0.02 + 1 / (100 - rate), rel=1e-3)
    assert found.utilization == pytest.approx(rate / 100, rel=1e-3)
    assert found.concurrency == pytest.approx(rate * found.mean)


def test_two_processors_are_the_textbooks_queue() -> None:
    # M/M/2: the mean is the service time divided by 1 - the square of the utilization.
    found = predict_rate(_parameters(servers=2), 150)

    assert found.mean == pytest.approx(0.02 + 0.01 / (1 - 0.75**2), rel=1e-3)


@pytest.mark.parametrize("rate", [1, 30, 60])
def test_pauses_are_the_textbooks_breakdowns(rate: float) -> None:
    # White and Christie: M/M/1 whose server breaks down, with exponential times.
    completes, begins, ends = 100, 2, 8
    parameters = replace(_parameters(), paused=begins / (begins + ends), pause=1 / ends)
    load = rate * (completes * begins + (begins + ends) ** 2)
    calls = load / (begins + ends) / (ends * (completes - rate) - begins * rate)

    found = predict_rate(parameters, rate)

    assert found.mean == pytest.approx(0.02 + calls / rate, rel=1e-3)
    assert found.utilization == pytest.approx(rate / parameters.capacity, rel=1e-3)


def test_pauses_take_a_share_of_the_capacity() -> None:
    parameters = replace(_parameters(servers=2), paused=0.25)

    assert parameters.capacity == 150
    assert predict_callers(parameters, 200).throughput == pytest.approx(150, rel=1e-3)
    with pytest.raises(OverloadError):
        predict_rate(parameters, 151)


def test_few_calls_meet_a_pause() -> None:
    parameters = replace(_parameters(), paused=0.1, pause=0.5)
    found, without = (predict_rate(each, 1) for each in (parameters, _parameters()))

    assert found.percentile(0.5) == pytest.approx(without.percentile(0.5), rel=0.1)
    assert found.percentile(0.99) > 0.5 > without.percentile(0.99)


def test_one_caller_waits_for_nobody() -> None:
    found = predict_callers(_parameters(), 1)

    assert found.mean == pytest.approx(0.03)
    assert found.throughput == pytest.approx(1 / 0.03)
    assert found.utilization == pytest.approx(1 / 3)


def test_callers_follow_the_textbooks_mean_value_analysis() -> None:
    parameters = _parameters()
    queue = 0.0
    for callers in range(1, 12):
        seconds = 0.01 * (1 + queue)
        throughput = callers / (0.02 + seconds)
        queue = throughput * seconds

        found = predict_callers(parameters, callers)

        assert found.throughput == pytest.approx(throughput)
        assert found.mean == pytest.approx(0.02 + seconds)


def test_many_callers_reach_the_capacity_and_no_more() -> None:
    parameters = _parameters(servers=4)

    assert parameters.capacity == 400
    assert predict_callers(parameters, 500).throughput == pytest.approx(400, rel=1e-3)


def test_more_callers_are_slower_where_the_pace_falls() -> None:
    parameters = _parameters(scaling=-0.1)
    fewer, more = (predict_callers(parameters, callers).throughput for callers in (8, 64))

    assert more < fewer


@pytest.mark.parametrize("rate", [100, 101, 5000])
def test_more_calls_than_can_be_answered_are_refused(rate: float) -> None:
    with pytest.raises(OverloadError, match=f"{rate} calls"):
        predict_rate(_parameters(), rate)


def test_without_waiting_the_latency_is_log_normal() -> None:
    found = predict_callers(
        Parameters(delay=0.02, service=0.01, servers=1, spread=0.5, busy_spread=0.1), 1
    )
    median = 0.03 * math.exp(-(0.5**2) / 2)

    assert found.percentile(0.5) == pytest.approx(median, rel=1e-3)
    assert found.percentile(0.95) == pytest.approx(median * math.exp(1.645 * 0.5), rel=1e-3)


def test_latency_rises_with_the_rate() -> None:
    rates = (1, 30, 60, 90)
    found = [predict_rate(_parameters(), rate) for rate in rates]

    for share in (0.5, 0.95):
        percentiles = [each.percentile(share) for each in found]
        assert percentiles == sorted(percentiles)
    assert all(each.percentile(0.5) < each.percentile(0.95) for each in found)
