"""The API of metrics: one handler per operation.

Source: the API reference of Amazon CloudWatch.
"""

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any, Final

from localcloud.aws.cloudwatch import metrics
from localcloud.aws.cloudwatch.errors import (
    combination_error,
    missing_parameter,
    unsupported,
    value_error,
)
from localcloud.aws.cloudwatch.handlers import Handler, JsonObject, page
from localcloud.aws.cloudwatch.metrics import Metric
from localcloud.aws.cloudwatch.queries import Queries, Window, require_period
from localcloud.aws.cloudwatch.statistics import Distribution, Statistic
from localcloud.aws.cloudwatch.store import MetricStore
from localcloud.aws.movable_clock import MINUTE, MovableClock

_LISTED: Final = 14 * 24 * 60 * MINUTE
_RECENT: Final = 3 * 60 * MINUTE
_PAGE: Final = 500
_MAX_DATAPOINTS: Final = 1440
_MAX_DATA: Final = 100_800


class MetricOperations:
    """Stores and returns the values of metrics."""

    def __init__(self, store: MetricStore, clock: MovableClock) -> None:
        """Serve a store."""
        self._store = store
        self._clock = clock

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by their operations."""
        return {
            "GetMetricData": self._get_metric_data,
            "GetMetricStatistics": self._get_metric_statistics,
            "ListMetrics": self._list_metrics,
            "PutMetricData": self._put_metric_data,
        }

    async def _put_metric_data(self, parameters: JsonObject) -> JsonObject:
        if "EntityMetricData" in parameters:
            raise unsupported("EntityMetricData")
        if not parameters.get("MetricData"):
            raise missing_parameter("The parameter MetricData is required.")
        now = self._clock.to_client(self._clock.now())
        for sample in metrics.samples(parameters["Namespace"], parameters["MetricData"], now):
            self._store.put(sample, offset=self._clock.offset)
        return {}

    async def _list_metrics(self, parameters: JsonObject) -> JsonObject:
        if parameters.get("IncludeLinkedAccounts") or "OwningAccount" in parameters:
            raise unsupported("metrics of other accounts")
        kept = _RECENT if "RecentlyActive" in parameters else _LISTED
        found = [
            each.described()
            for each in self._store.metrics(since=self._clock.now() - kept)
            if _matches(each, parameters)
        ]
        items, token = page(found, parameters, size=_PAGE)
        return {"Metrics": items, "NextToken": token}

    async def _get_metric_data(self, parameters: JsonObject) -> JsonObject:
        for name in ("MaxDatapoints", "NextToken"):
            if name in parameters:
                raise unsupported(f"{name} in GetMetricData")
        queries = Queries.of(parameters["MetricDataQueries"])
        start, end = parameters["StartTime"], parameters["EndTime"]
        if start >= end:
            raise value_error("The parameter StartTime must be less than the parameter EndTime.")
        period = queries.period()
        if any(each.period != period for each in queries.metrics):
            raise unsupported("metrics with different periods in one request")
        first = _floor(start, period)
        window = Window(
            start=self._clock.from_client(first),
            period=period,
            count=math.ceil((end - first) / period),
        )
        if window.count * len(queries.all) > _MAX_DATA:
            raise unsupported(f"requests for more than {_MAX_DATA} data points")
        results = queries.results(self._store, window)
        ascending = parameters.get("ScanBy") == "TimestampAscending"
        return {
            "MetricDataResults": [
                {
                    "Id": each.id,
                    "Label": each.label,
                    **self._data(window, results[each.id], ascending=ascending),
                    "StatusCode": "Complete",
                }
                for each in queries.returned
            ],
            "Messages": [],
        }

    def _data(self, window: Window, series: list[float | None], *, ascending: bool) -> JsonObject:
        found = [
            (time, value)
            for time, value in zip(window.times, series, strict=True)
            if value is not None
        ]
        if not ascending:
            found.reverse()
        return {
            "Timestamps": [self._timestamp(time) for time, _ in found],
            "Values": [value for _, value in found],
        }

    async def _get_metric_statistics(self, parameters: JsonObject) -> JsonObject:
        names, extended = parameters.get("Statistics", ()), parameters.get("ExtendedStatistics", ())
        if bool(names) == bool(extended):
            raise combination_error(
                "Specify either Statistics or ExtendedStatistics, and not both."
            )
        statistics = [Statistic.named(each) for each in (*names, *extended)]
        period = parameters["Period"]
        require_period(period)
        start = _floor(parameters["StartTime"], min(period, MINUTE))
        end = parameters["EndTime"]
        if start >= end:
            raise value_error("The parameter StartTime must be less than the parameter EndTime.")
        window = Window(
            start=self._clock.from_client(start),
            period=period,
            count=math.ceil((end - start) / period),
        )
        if window.count > _MAX_DATAPOINTS:
            raise combination_error(
                f"You have requested up to {window.count} datapoints, which exceeds the limit of"
                f" {_MAX_DATAPOINTS}. You may reduce the datapoints requested by increasing Period,"
                " or decreasing the time range."
            )
        metric = Metric.of(parameters["Namespace"], parameters)
        points = [
            point
            for unit in self._units(metric, parameters)
            for point in self._points(metric, window, unit, statistics)
        ]
        return {"Label": metric.name, "Datapoints": points}

    def _units(self, metric: Metric, parameters: Mapping[str, Any]) -> list[str]:
        return [parameters["Unit"]] if "Unit" in parameters else self._store.units(metric)

    def _points(
        self, metric: Metric, window: Window, unit: str, statistics: list[Statistic]
    ) -> list[JsonObject]:
        buckets = self._store.buckets(
            metric, start=window.start, period=window.period, count=window.count, unit=unit
        )
        return [
            {
                "Timestamp": self._timestamp(time),
                "Unit": unit,
                **_described(distribution, statistics),
            }
            for time, distribution in zip(window.times, buckets, strict=True)
            if distribution is not None
        ]

    def _timestamp(self, time: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._clock.to_client(time), dt.UTC)


def _described(distribution: Distribution, statistics: list[Statistic]) -> JsonObject:
    simple = {each.name: each.value(distribution) for each in statistics if each.percentile is None}
    extended = {
        each.name: value
        for each in statistics
        if each.percentile is not None and (value := each.value(distribution)) is not None
    }
    return {**simple, "ExtendedStatistics": extended or None}


def _matches(metric: Metric, parameters: Mapping[str, Any]) -> bool:
    own = dict(metric.dimensions)
    return (
        parameters.get("Namespace", metric.namespace) == metric.namespace
        and parameters.get("MetricName", metric.name) == metric.name
        and all(
            each["Name"] in own and each.get("Value", own[each["Name"]]) == own[each["Name"]]
            for each in parameters.get("Dimensions", ())
        )
    )


def _floor(time: float, period: int) -> int:
    return int(time // period * period)
