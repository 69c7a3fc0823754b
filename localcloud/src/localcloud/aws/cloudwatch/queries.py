"""The queries of GetMetricData and of alarms, from their structures to time series.

Sources: the API reference of GetMetricData and MetricDataQuery, and "Using metric math" in the
user guide.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from localcloud.aws.cloudwatch.errors import unsupported, validation_error
from localcloud.aws.cloudwatch.expressions import parsing
from localcloud.aws.cloudwatch.expressions.evaluation import Inputs, evaluate
from localcloud.aws.cloudwatch.metrics import Metric
from localcloud.aws.cloudwatch.statistics import Distribution, Statistic
from localcloud.aws.cloudwatch.store import MetricStore
from localcloud.aws.movable_clock import MINUTE

_ID: Final = re.compile(r"[a-z][a-zA-Z0-9_]*")
_SHORT_PERIODS: Final = frozenset({1, 5, 10, 20, 30})
_MAX_QUERIES: Final = 500

Series = list[float | None]
"""A value for each period; None without data."""


@dataclass(frozen=True, kw_only=True)
class MetricQuery:
    """A query for a statistic of a metric.

    Attributes:
        id: its id.
        label: the label in results.
        returned: whether its series is a result.
        metric, statistic, unit: what it reads; None for all units.
        period: seconds.
    """

    id: str
    label: str
    returned: bool
    metric: Metric
    statistic: Statistic
    unit: str | None
    period: int


@dataclass(frozen=True, kw_only=True)
class MathQuery:
    """A query that calculates with the results of others.

    Attributes:
        id: its id.
        label: the label in results.
        returned: whether its series is a result.
        expression: what it calculates.
    """

    id: str
    label: str
    returned: bool
    expression: parsing.Node


Query = MetricQuery | MathQuery


@dataclass(frozen=True, kw_only=True)
class Window:
    """Consecutive periods.

    Attributes:
        start: the start of the first, in seconds since the epoch.
        period: seconds.
        count: how many.
    """

    start: float
    period: int
    count: int

    @property
    def times(self) -> list[float]:
        """The starts of the periods."""
        return [self.start + index * self.period for index in range(self.count)]


@dataclass(frozen=True, kw_only=True)
class Queries:
    """Queries that can refer to each other."""

    all: Sequence[Query]

    @classmethod
    def of(cls, structures: Sequence[Mapping[str, Any]]) -> "Queries":
        """Read MetricDataQuery structures.

        Raises:
            ApiError: they aren't valid, or use what isn't supported.
        """
        if not 0 < len(structures) <= _MAX_QUERIES:
            raise validation_error(f"MetricDataQueries must have 1 to {_MAX_QUERIES} items.")
        queries = [_query(each) for each in structures]
        ids = [each.id for each in queries]
        if len(set(ids)) < len(ids):
            raise validation_error(
                "The values for parameter id in MetricDataQueries must be unique."
            )
        for query in queries:
            if isinstance(query, MathQuery):
                _require_known(query, ids)
        for query in queries:
            _require_no_cycle(query.id, queries)
        return cls(all=queries)

    @property
    def metrics(self) -> list[MetricQuery]:
        """The queries for metrics."""
        return [each for each in self.all if isinstance(each, MetricQuery)]

    @property
    def returned(self) -> list[Query]:
        """The queries with results that are returned."""
        return [each for each in self.all if each.returned]

    def period(self) -> int:
        """Return the longest period of the metrics, that of expressions that combine them.

        Raises:
            ApiError: there is no metric.
        """
        if not self.metrics:
            raise validation_error("At least one query must retrieve a metric.")
        return max(each.period for each in self.metrics)

    def results(self, store: MetricStore, window: Window) -> Mapping[str, Series]:
        """Return the series of the queries by their ids; all for the same periods."""
        inputs = Inputs(
            series={each.id: values(store, each, window) for each in self.metrics},
            periods={each.id: each.period for each in self.metrics},
            count=window.count,
        )
        results: dict[str, Series] = dict(inputs.series)
        remaining = [each for each in self.all if isinstance(each, MathQuery)]
        while remaining:
            query = next(
                each for each in remaining if parsing.references(each.expression) <= results.keys()
            )
            results[query.id] = evaluate(query.expression, inputs.with_results(results))
            remaining.remove(query)
        return results


def distributions(
    store: MetricStore, query: MetricQuery, window: Window
) -> list[Distribution | None]:
    """Return the values that a query for a metric reads in each period."""
    return store.buckets(
        query.metric,
        start=window.start,
        period=window.period,
        count=window.count,
        unit=query.unit,
    )


def values(store: MetricStore, query: MetricQuery, window: Window) -> Series:
    """Return a query's statistic for each period."""
    return [
        None if each is None else query.statistic.value(each)
        for each in distributions(store, query, window)
    ]


def require_period(period: int) -> None:
    """Require that a period is one that AWS accepts.

    Raises:
        ApiError: ValidationException.
    """
    if period not in _SHORT_PERIODS and period % MINUTE:
        raise validation_error(
            f"The period {period} must be 1, 5, 10, 20, 30 or a multiple of {MINUTE}."
        )


def _query(structure: Mapping[str, Any]) -> Query:
    query_id = structure["Id"]
    if not _ID.fullmatch(query_id):
        raise validation_error(
            f"The value {query_id} for parameter Id must start with a lowercase letter, and can"
            " contain letters, numbers and underscores only."
        )
    if "AccountId" in structure:
        raise unsupported("metrics of other accounts (AccountId)")
    if ("MetricStat" in structure) == ("Expression" in structure):
        raise validation_error(
            f"The query {query_id} must have either MetricStat or Expression, and not both."
        )
    returned = structure.get("ReturnData", True)
    if "Expression" in structure:
        text = structure["Expression"]
        return MathQuery(
            id=query_id,
            label=structure.get("Label", query_id),
            returned=returned,
            expression=parsing.parse(text),
        )
    stat = structure["MetricStat"]
    given = stat["Metric"]
    if "Namespace" not in given or "MetricName" not in given:
        raise validation_error(f"The metric of the query {query_id} needs a Namespace and a name.")
    require_period(stat["Period"])
    return MetricQuery(
        id=query_id,
        label=structure.get("Label", given["MetricName"]),
        returned=returned,
        metric=Metric.of(given["Namespace"], given),
        statistic=Statistic.named(stat["Stat"]),
        unit=stat.get("Unit"),
        period=stat["Period"],
    )


def _require_known(query: MathQuery, ids: Sequence[str]) -> None:
    unknown = sorted(parsing.references(query.expression) - set(ids))
    if unknown:
        raise validation_error(
            f"Error in expression '{query.id}': unknown identifiers: {', '.join(unknown)}."
        )


def _require_no_cycle(query_id: str, queries: Sequence[Query]) -> None:
    if query_id in set(_used(query_id, {each.id: each for each in queries}, set())):
        raise validation_error(f"The expression {query_id} refers to itself.")


def _used(query_id: str, queries: Mapping[str, Query], seen: set[str]) -> Iterator[str]:
    query = queries[query_id]
    if isinstance(query, MathQuery):
        for each in parsing.references(query.expression):
            yield each
            if each not in seen:
                seen.add(each)
                yield from _used(each, queries, seen)
