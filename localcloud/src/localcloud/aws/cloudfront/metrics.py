"""The metrics of a distribution. Pure.

Source: "Types of metrics for CloudFront" in the Amazon CloudFront Developer Guide. The byte counts
are left out.
"""

from collections.abc import Iterator
from typing import Final

from localcloud.aws.metric_sender import DataPoint

NAMESPACE: Final = "AWS/CloudFront"
_RATES: Final = {"4xxErrorRate": {4}, "5xxErrorRate": {5}, "TotalErrorRate": {4, 5}}
"""The metrics of errors, with the classes of status codes that they count."""
_PERCENT: Final = 100.0


def request_metrics(distribution: str, status: int, at: float) -> Iterator[DataPoint]:
    """Return the data points of one request.

    An error rate is the average of 100 for each request with such a status and 0 for any other.

    Args:
        distribution: the distribution's id.
        status: the response's status.
        at: when, in seconds since the epoch.
    """
    dimensions = (("DistributionId", distribution), ("Region", "Global"))

    def point(name: str, value: float, unit: str) -> DataPoint:
        return DataPoint(
            namespace=NAMESPACE, name=name, value=value, unit=unit, at=at, dimensions=dimensions
        )

    yield point("Requests", 1.0, "None")
    for name, classes in _RATES.items():
        yield point(name, _PERCENT if status // 100 in classes else 0.0, "Percent")
