"""The values of all metrics.

How long values are kept: the API reference of GetMetricData.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from localcloud.aws.cloudwatch.metrics import Metric, Sample
from localcloud.aws.cloudwatch.statistics import Distribution, merged
from localcloud.aws.movable_clock import MINUTE

_SECONDS_KEPT: Final = 3 * 60 * MINUTE
_MINUTES_KEPT: Final = 15 * 24 * 60 * MINUTE

_Key = tuple[int, str, int]
"""A second, a unit and a resolution."""
_Minute = dict[_Key, Distribution]


@dataclass(kw_only=True)
class _Values:
    """The values of a metric by their minute, and when the last was measured."""

    minutes: dict[int, _Minute] = field(default_factory=dict)
    last: float = 0.0


class MetricStore:
    """The values of all metrics in one region."""

    def __init__(self) -> None:
        """Start without metrics."""
        self._metrics: dict[Metric, _Values] = {}

    def put(self, sample: Sample, *, offset: int = 0) -> None:
        """Store values.

        Args:
            sample: the values.
            offset: seconds to add to their time.
        """
        values = self._metrics.setdefault(sample.metric, _Values())
        time = int(sample.time) + offset
        values.last = max(values.last, time)
        minute = values.minutes.setdefault(time // MINUTE, {})
        _add(minute, (time, sample.unit, sample.resolution), sample.distribution)

    def metrics(self, *, since: float) -> Iterator[Metric]:
        """Iterate over the metrics with values since a time."""
        for metric, values in list(self._metrics.items()):
            if values.last >= since:
                yield metric

    def units(self, metric: Metric) -> list[str]:
        """Return the units of a metric's values."""
        values = self._metrics.get(metric)
        minutes = values.minutes.values() if values else ()
        return sorted({unit for minute in minutes for _, unit, _ in minute})

    def buckets(
        self,
        metric: Metric,
        *,
        start: float,
        period: int,
        count: int,
        unit: str | None = None,
        exact: bool = False,
    ) -> list[Distribution | None]:
        """Return the values of consecutive periods; None for a period without any.

        Args:
            metric: the metric.
            start: the start of the first period, in seconds since the epoch.
            period: seconds.
            count: the number of periods.
            unit: only values with this unit; None for all.
            exact: use the second of each value. On AWS, values with the standard resolution belong
                to their minute.
        """
        parts: list[list[Distribution]] = [[] for _ in range(count)]
        values = self._metrics.get(metric)
        minutes = values.minutes if values else {}
        first, last = int(start // MINUTE), int((start + period * count) // MINUTE)
        for number in range(first, last + 1):
            for (second, own_unit, resolution), distribution in minutes.get(number, {}).items():
                time = second if exact else second // resolution * resolution
                index = int((time - start) // period)
                if 0 <= index < count and unit in {None, own_unit}:
                    parts[index].append(distribution)
        return [merged(each) if each else None for each in parts]

    def compact(self, now: float) -> None:
        """Keep single seconds for three hours only, and minutes for 15 days."""
        for metric, values in list(self._metrics.items()):
            for number, minute in list(values.minutes.items()):
                start = number * MINUTE
                if start < now - _MINUTES_KEPT:
                    del values.minutes[number]
                elif start < now - _SECONDS_KEPT:
                    values.minutes[number] = _without_seconds(minute, start)
            if not values.minutes:
                del self._metrics[metric]


def _without_seconds(minute: _Minute, start: int) -> _Minute:
    compacted: _Minute = {}
    for (_, unit, _), distribution in minute.items():
        _add(compacted, (start, unit, MINUTE), distribution)
    return compacted


def _add(minute: _Minute, key: _Key, distribution: Distribution) -> None:
    before = minute.get(key)
    minute[key] = merged([before, distribution]) if before else distribution
