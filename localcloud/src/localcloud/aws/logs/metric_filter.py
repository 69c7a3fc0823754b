"""Metric filters: log events become data points. Pure.

Sources: "Filter pattern syntax for metric filters" and "Configuring metric values for a metric
filter" in the Amazon CloudWatch Logs User Guide, and botocore's model.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from localcloud.aws.logs.matching import Fields, Pattern, number
from localcloud.aws.metric_sender import DataPoint

_MOST_DIMENSIONS: Final = 3


@dataclass(frozen=True, kw_only=True)
class LogEvent:
    """An event that the log store has received.

    Attributes:
        at: its timestamp, in seconds since the epoch.
        message: its text.
    """

    at: float
    message: str


@dataclass(frozen=True, kw_only=True)
class Transformation:
    """What a metric filter makes of a matching event.

    Attributes:
        namespace, name: the metric.
        value: a number, or the field that has it.
        default: the value of an event that doesn't match; None for no data point.
        dimensions: the fields that have the dimensions' values.
        unit: the metric's unit.
    """

    namespace: str
    name: str
    value: str
    default: float | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    unit: str = "None"


@dataclass(frozen=True, kw_only=True)
class MetricFilter:
    """A metric filter of a log group."""

    pattern: Pattern
    transformation: Transformation


class TransformationError(ValueError):
    """CloudWatch Logs refuses a transformation."""


def transformation(request: Mapping[str, Any], pattern: Pattern) -> Transformation:
    """Read a MetricTransformation structure of a filter with a pattern.

    Raises:
        TransformationError: CloudWatch Logs refuses it.
    """
    dimensions = dict(request.get("dimensions") or {})
    default = request.get("defaultValue")
    if len(dimensions) > _MOST_DIMENSIONS:
        raise TransformationError(f"a metric filter can have at most {_MOST_DIMENSIONS} dimensions")
    if dimensions and default is not None:
        raise TransformationError("dimensions and default value are mutually exclusive properties.")
    if dimensions and not pattern.has_fields:
        raise TransformationError("dimensions need a JSON or space-delimited filter pattern")
    value = str(request["metricValue"])
    if number(value) is None and not value.startswith("$"):
        raise TransformationError(f"metricValue '{value}' is no number and no field")
    fields = [*dimensions.values(), *([value] if value.startswith("$") else [])]
    unnamed = sorted(each for each in fields if each not in pattern.selectors)
    if unnamed:
        raise TransformationError(
            f"the filter pattern must name these fields: {', '.join(unnamed)}"
        )
    return Transformation(
        namespace=request["metricNamespace"],
        name=request["metricName"],
        value=value,
        default=default,
        dimensions=dimensions,
        unit=request.get("unit") or "None",
    )


def data_points(filters: Sequence[MetricFilter], events: Sequence[LogEvent]) -> list[DataPoint]:
    """Return what the metric filters of a log group make of new events."""
    return [point for each in filters for event in events for point in _data_points(each, event)]


def _data_points(metric_filter: MetricFilter, event: LogEvent) -> Iterator[DataPoint]:
    metric, fields = metric_filter.transformation, metric_filter.pattern.match(event.message)
    value = metric.default if fields is None else number(fields.get(metric.value, metric.value))
    dimensions = _dimensions(metric, fields or {})
    if value is not None and dimensions is not None:
        yield DataPoint(
            namespace=metric.namespace,
            name=metric.name,
            value=value,
            unit=metric.unit,
            at=event.at,
            dimensions=dimensions,
        )


def _dimensions(metric: Transformation, fields: Fields) -> tuple[tuple[str, str], ...] | None:
    """Return the dimensions of an event's data point; None if the event lacks one."""
    found = [(name, fields.get(selector)) for name, selector in sorted(metric.dimensions.items())]
    named = tuple((name, value) for name, value in found if value)
    return named if len(named) == len(found) else None
