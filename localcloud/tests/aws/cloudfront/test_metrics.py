"""The metrics of a distribution's requests."""

import pytest

from localcloud.aws.cloudfront.metrics import request_metrics


@pytest.mark.parametrize(
    ("status", "rates"),
    [
        (200, {"4xxErrorRate": 0, "5xxErrorRate": 0, "TotalErrorRate": 0}),
        (403, {"4xxErrorRate": 100, "5xxErrorRate": 0, "TotalErrorRate": 100}),
        (502, {"4xxErrorRate": 0, "5xxErrorRate": 100, "TotalErrorRate": 100}),
    ],
)
def test_a_request_counts_for_the_rates_of_its_status(status: int, rates: dict[str, float]) -> None:
    points = list(request_metrics("E1", status, 5.0))

    assert {each.name: each.value for each in points} == {"Requests": 1, **rates}
    assert {each.dimensions for each in points} == {
        (("DistributionId", "E1"), ("Region", "Global"))
    }
