"""What CloudWatch's description of an alarm must have, and how one differs from it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from components.monitoring.alarm import Alarm, Metric

Definition = Mapping[str, Any]
"""Members of MetricAlarm or CompositeAlarm in the Amazon CloudWatch API Reference."""

_METRICS: Final = "Metrics"


def definition(alarm: Alarm, topic_arn: str) -> Definition:
    """Return what CloudWatch's description of an alarm must have.

    The dimensions aren't part of it: most are known to the stack's state only.

    Args:
        alarm: the alarm.
        topic_arn: ARN of the topic that it notifies.
    """
    common = {
        **_notifying(topic_arn),
        "ComparisonOperator": alarm.comparison.value,
        "Threshold": alarm.threshold,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm,
        "TreatMissingData": alarm.missing_data.value,
    }
    if alarm.expression is not None:
        return {**common, _METRICS: _queries(alarm, alarm.expression)}
    (metric,) = alarm.metrics
    statistic = "ExtendedStatistic" if metric.is_percentile else "Statistic"
    return {
        **common,
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        statistic: metric.statistic,
        "Period": alarm.period,
    }


def composite_definition(rule: str, topic_arn: str) -> Definition:
    """Return what CloudWatch's description of a composite alarm must have.

    Args:
        rule: its AlarmRule.
        topic_arn: ARN of the topic that it notifies.
    """
    return {**_notifying(topic_arn), "AlarmRule": rule}


def differences(found: Mapping[str, Any], wanted: Definition) -> Iterator[str]:
    """Describe how an alarm differs from its definition.

    Args:
        found: the alarm, as CloudWatch describes it.
        wanted: its definition.
    """
    for member, value in wanted.items():
        current = found.get(member)
        if member == _METRICS:
            current = _comparable(current or ())
        if current != value:
            yield f"{member} is {_shown(current)}, and must be {_shown(value)}"


def _shown(value: object) -> str:
    # A threshold is a float.
    return repr(int(value) if isinstance(value, float) and value.is_integer() else value)


def _notifying(topic_arn: str) -> Definition:
    return {"ActionsEnabled": True, "AlarmActions": [topic_arn], "OKActions": [topic_arn]}


def _queries(alarm: Alarm, expression: str) -> list[tuple[object, ...]]:
    return sorted([(expression,), *(_statistic(each, alarm.period) for each in alarm.metrics)])


def _statistic(metric: Metric, period: int) -> tuple[str, str, str, str, str]:
    return (metric.id, metric.namespace, metric.name, metric.statistic, str(period))


def _comparable(queries: Iterable[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """Return an alarm's metric math as `definition` does: in an order, and without dimensions."""
    found: list[tuple[object, ...]] = []
    for query in queries:
        if "Expression" in query:
            found.append((query["Expression"],))
        else:
            stat = query["MetricStat"]
            metric = stat["Metric"]
            found.append(
                (
                    query["Id"],
                    metric["Namespace"],
                    metric["MetricName"],
                    stat["Stat"],
                    str(stat["Period"]),
                )
            )
    return sorted(found)
