"""Sends data points of the account's metrics to CloudWatch in batches."""

import datetime as dt
import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_LOG = logging.getLogger(__name__)
# Source: the quotas of PutMetricData in its API reference.
_MOST_DATA: Final = 1000
_MOST_VALUES: Final = 150

PutMetrics = Callable[[str, Sequence[Mapping[str, Any]]], Awaitable[None]]
"""Called with a namespace and MetricDatum structures."""


@dataclass(frozen=True, kw_only=True)
class DataPoint:
    """A value of a metric.

    Attributes:
        namespace, name: the metric.
        dimensions: names and values, sorted.
        value, unit: what was measured.
        at: when, in seconds since the epoch.
    """

    namespace: str
    name: str
    value: float
    unit: str
    at: float
    dimensions: tuple[tuple[str, str], ...] = ()


Publish = Callable[[Iterable[DataPoint]], None]
"""Takes data points, from any thread."""


class MetricSender:
    """Collects data points, from any thread, and sends them in batches."""

    def __init__(self, put_metrics: PutMetrics) -> None:
        """Start without data points.

        Args:
            put_metrics: writes data points.
        """
        self._put_metrics = put_metrics
        self._lock = threading.Lock()
        self._pending: list[DataPoint] = []

    def add(self, points: Iterable[DataPoint]) -> None:
        """Add data points; safe to call from any thread."""
        with self._lock:
            self._pending.extend(points)

    async def send(self) -> None:
        """Send what was added; what CloudWatch refuses is lost, as on AWS."""
        with self._lock:
            pending, self._pending = self._pending, []
        for namespace, data in batches(pending):
            try:
                await self._put_metrics(namespace, data)
            except Exception:  # metrics must never stop a service  # noqa: BLE001
                _LOG.warning("metrics of %s were lost", namespace, exc_info=True)


def batches(points: Iterable[DataPoint]) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    """Group data points into the requests of PutMetricData, equal values together."""
    metrics: defaultdict[str, defaultdict[tuple[object, ...], Counter[float]]] = defaultdict(
        lambda: defaultdict(Counter)
    )
    for point in points:
        key = (point.name, point.dimensions, point.unit, int(point.at))
        metrics[point.namespace][key][point.value] += 1
    for namespace, values in metrics.items():
        data = [datum for key, counts in values.items() for datum in _data(key, counts)]
        for start in range(0, len(data), _MOST_DATA):
            yield namespace, data[start : start + _MOST_DATA]


def _data(key: tuple[Any, ...], counts: Counter[float]) -> Iterator[Mapping[str, Any]]:
    name, dimensions, unit, at = key
    items = list(counts.items())
    for start in range(0, len(items), _MOST_VALUES):
        part = items[start : start + _MOST_VALUES]
        yield {
            "MetricName": name,
            "Dimensions": [{"Name": each, "Value": value} for each, value in dimensions],
            "Timestamp": dt.datetime.fromtimestamp(at, dt.UTC),
            "Values": [value for value, _ in part],
            "Counts": [float(count) for _, count in part],
            "Unit": unit,
        }
