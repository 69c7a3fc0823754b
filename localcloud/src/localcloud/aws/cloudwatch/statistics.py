"""Statistics and percentiles of values. Pure.

Source: "CloudWatch statistics definitions" in the user guide. AWS doesn't document how it
interpolates percentiles; here, a percentile is the smallest value that is no less than that part
of all values.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from localcloud.aws.cloudwatch.errors import unsupported, validation_error

_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
_TRIMMED: Final = re.compile(
    r"(tm|tc|ts|wm)\d+(\.\d+)?|(TM|TC|TS|WM|PR)\([^)]*\)|IQM", re.IGNORECASE
)
_PERCENT: Final = 100
_HALF: Final = 0.5
_ENOUGH: Final = 10


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Values, without their order.

    Attributes:
        count, total, minimum, maximum: of the values.
        counts: how often each value occurs; None if that isn't known.
    """

    count: float
    total: float
    minimum: float
    maximum: float
    counts: Mapping[float, float] | None

    @classmethod
    def of(cls, values: Iterable[tuple[float, float]]) -> "Distribution":
        """Create a distribution of one or more values and how often each occurs."""
        counts: dict[float, float] = {}
        for value, count in values:
            counts[float(value)] = counts.get(float(value), 0.0) + count
        return cls(
            count=sum(counts.values()),
            total=sum(value * count for value, count in counts.items()),
            minimum=min(counts),
            maximum=max(counts),
            counts=counts,
        )


def merged(parts: Iterable[Distribution]) -> Distribution:
    """Return all values of one or more distributions."""
    all_parts = list(parts)
    known = [part.counts for part in all_parts if part.counts is not None]
    counts: dict[float, float] = {}
    for each in known:
        for value, count in each.items():
            counts[value] = counts.get(value, 0.0) + count
    return Distribution(
        count=sum(part.count for part in all_parts),
        total=sum(part.total for part in all_parts),
        minimum=min(part.minimum for part in all_parts),
        maximum=max(part.maximum for part in all_parts),
        counts=counts if len(known) == len(all_parts) else None,
    )


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """A statistic.

    Attributes:
        name: as in the API.
        percentile: from 0 to 1; None for the others.
    """

    name: str
    percentile: float | None = None

    @classmethod
    def named(cls, name: str) -> "Statistic":
        """Return a statistic by its name in the API.

        Raises:
            ApiError: ValidationException, it doesn't exist or isn't supported.
        """
        if name in _SIMPLE:
            return cls(name=name)
        if found := _PERCENTILE.fullmatch(name):
            return cls(name=name, percentile=float(found[1]) / _PERCENT)
        if _TRIMMED.fullmatch(name):
            raise unsupported(f"the statistic {name}; use a percentile, such as p95")
        raise validation_error(f"The value {name} for the statistic is not supported.")

    @property
    def enough_values(self) -> float:
        """The number of values from which on a percentile is statistically significant.

        Source: user guide, "Percentile-based CloudWatch alarms and low data samples".
        """
        if self.percentile is None:
            return 0
        rare = min(self.percentile, 1 - self.percentile)
        # 1 - 0.9 isn't exactly 0.1.
        return round(_ENOUGH / rare, 6) if rare else float("inf")

    def value(self, distribution: Distribution) -> float | None:
        """Return the statistic of values; None where a percentile can't be calculated."""
        if self.percentile is not None:
            return _percentile(distribution, self.percentile)
        if not distribution.count and self.name == "Average":
            return None
        return _SIMPLE[self.name](distribution)


_SIMPLE: Final[Mapping[str, Callable[[Distribution], float]]] = {
    "SampleCount": lambda values: values.count,
    "Average": lambda values: values.total / values.count,
    "Sum": lambda values: values.total,
    "Minimum": lambda values: values.minimum,
    "Maximum": lambda values: values.maximum,
}


def _percentile(distribution: Distribution, part: float) -> float | None:
    # Percentiles are not available where values are negative (API reference, GetMetricStatistics).
    if distribution.counts is None or distribution.minimum < 0:
        return None
    needed, passed = part * distribution.count, 0.0
    for value in sorted(distribution.counts):
        passed += distribution.counts[value]
        if passed >= needed - 1e-9:
            return value
    return distribution.maximum
