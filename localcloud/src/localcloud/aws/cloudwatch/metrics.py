"""What identifies a metric, and what PutMetricData accepts. Pure.

Source: the API reference of PutMetricData, MetricDatum and StatisticSet.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from localcloud.aws.cloudwatch.errors import (
    combination_error,
    missing_parameter,
    value_error,
)
from localcloud.aws.cloudwatch.statistics import Distribution
from localcloud.aws.movable_clock import MINUTE

MAX_DATA: Final = 1000
_MAX_VALUES: Final = 150
_LARGEST: Final = 2.0**360
_OLDEST: Final = 14 * 24 * 60 * MINUTE
_NEWEST: Final = 2 * 60 * MINUTE
_RESOLUTIONS: Final = (1, MINUTE)
_NO_UNIT: Final = "None"

Dimensions = frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric. Each combination of dimensions is a metric by itself."""

    namespace: str
    name: str
    dimensions: Dimensions

    @classmethod
    def of(cls, namespace: str, datum: Mapping[str, Any]) -> "Metric":
        """Read the metric of a structure with MetricName and Dimensions.

        Raises:
            ApiError: a dimension occurs twice.
        """
        pairs = [(each["Name"], each["Value"]) for each in datum.get("Dimensions", ())]
        if len({name for name, _ in pairs}) < len(pairs):
            raise value_error("The parameter Dimensions contains duplicate names.")
        return cls(namespace=namespace, name=datum["MetricName"], dimensions=frozenset(pairs))

    def described(self) -> dict[str, Any]:
        """Return the metric as the API does."""
        return {
            "Namespace": self.namespace,
            "MetricName": self.name,
            "Dimensions": described_dimensions(self.dimensions),
        }


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Values of a metric at a time.

    Attributes:
        metric: the metric.
        time: seconds since the epoch.
        unit: the unit; "None" without one.
        resolution: 1 or 60 seconds.
        distribution: the values.
    """

    metric: Metric
    time: float
    unit: str
    resolution: int
    distribution: Distribution


def described_dimensions(dimensions: Dimensions) -> list[dict[str, str]]:
    """Return dimensions as the API does."""
    return [{"Name": name, "Value": value} for name, value in sorted(dimensions)]


def samples(namespace: str, data: Sequence[Mapping[str, Any]], now: float) -> list[Sample]:
    """Return the values of MetricDatum structures.

    Args:
        namespace: their namespace.
        data: the structures.
        now: the time, in seconds since the epoch.

    Raises:
        ApiError: a structure isn't valid; none is stored then.
    """
    if len(data) > MAX_DATA:
        raise value_error(
            f"The collection MetricData must not have a size greater than {MAX_DATA}."
        )
    return [_sample(namespace, datum, now) for datum in data]


def _sample(namespace: str, datum: Mapping[str, Any], now: float) -> Sample:
    time = datum.get("Timestamp", now)
    if not now - _OLDEST <= time <= now + _NEWEST:
        raise value_error(
            f"The parameter Timestamp of {datum['MetricName']} must specify a time no more than"
            " two weeks in the past and no more than two hours in the future."
        )
    resolution = datum.get("StorageResolution", MINUTE)
    if resolution not in _RESOLUTIONS:
        raise value_error("The parameter StorageResolution must be 1 or 60.")
    return Sample(
        metric=Metric.of(namespace, datum),
        time=time,
        unit=datum.get("Unit", _NO_UNIT),
        resolution=resolution,
        distribution=_distribution(datum),
    )


def _distribution(datum: Mapping[str, Any]) -> Distribution:
    given = [name for name in ("Value", "Values", "StatisticValues") if name in datum]
    if len(given) > 1:
        raise combination_error(
            f"The parameters {' and '.join(given)} are mutually exclusive and you have specified"
            " both."
        )
    if not given:
        raise missing_parameter(
            f"At least one of Value, Values and StatisticValues of {datum['MetricName']} must be"
            " specified."
        )
    if "StatisticValues" in datum:
        return _statistic_set(datum["StatisticValues"])
    if "Counts" in datum and "Values" not in datum:
        raise combination_error("The parameter Counts requires the parameter Values.")
    values = datum.get("Values", [datum.get("Value")])
    counts = datum.get("Counts", [1.0] * len(values))
    if not 0 < len(values) <= _MAX_VALUES:
        raise value_error(f"The collection Values must have a size from 1 to {_MAX_VALUES}.")
    if len(counts) != len(values):
        raise value_error("The collections Values and Counts must have the same size.")
    for number in (*values, *counts):
        _require_number(number)
    if any(count < 0 for count in counts):
        raise value_error("The collection Counts must not contain negative numbers.")
    return Distribution.of(zip(values, counts, strict=True))


def _statistic_set(given: Mapping[str, float]) -> Distribution:
    for number in given.values():
        _require_number(number)
    least, most, count = given["Minimum"], given["Maximum"], given["SampleCount"]
    if least > most or count < 0:
        raise value_error(
            "StatisticValues needs a SampleCount of zero or more, and a Minimum that is not"
            " greater than the Maximum."
        )
    # Only then are the single values known, which percentiles need.
    if least == most and math.isclose(given["Sum"], least * count):
        return Distribution.of([(least, count)])
    return Distribution(count=count, total=given["Sum"], minimum=least, maximum=most, counts=None)


def _require_number(number: float) -> None:
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise value_error(f"The value {number} is not in the range of -2^360 to 2^360.")
