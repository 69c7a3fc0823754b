import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aws.apprunner.scaling import Demand, ScalingLimits

_LIMITS = ScalingLimits(max_concurrency=10, min_size=2, max_size=5)


@pytest.mark.parametrize(
    ("concurrency", "instances"),
    [(0, 2), (1, 2), (20, 2), (21, 3), (30, 3), (50, 5), (51, 5), (1000, 5)],
)
def test_the_concurrency_decides_the_number_of_instances(concurrency: int, instances: int) -> None:
    assert _LIMITS.instances_for(concurrency) == instances


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 1000)), min_size=1))
def test_the_peak_is_the_highest_concurrency_of_the_idle_period(
    peaks: list[tuple[float, int]],
) -> None:
    demand = Demand(idle_period=10)
    ordered = sorted(peaks, key=lambda peak: peak[0])
    for at, concurrency in ordered:
        demand.record(concurrency, at)
    last = ordered[-1][0]
    expected = max(concurrency for at, concurrency in ordered if at > last - 10)
    assert demand.peak(last) == expected
    assert demand.peak(last + 10.5) == 0
