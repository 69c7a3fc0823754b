"""What CloudWatch's description of an alarm must have, and how one differs from it. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from automation.muting import METRIC_ALARM
from components.monitoring.alarm import Alarm

Definition = Mapping[str, Any]
"""Members of MetricAlarm or CompositeAlarm in the Amazon CloudWatch API Reference."""

# The key of an alarm's only metric, and that of its expression; metrics' ids are lower case.
_ONLY: Final = "ONLY"
_EXPRESSION: Final = "EXPRESSION"

Dimensions = Mapping[str, Mapping[str, str]]
"""The dimensions of an alarm's metrics, by the metrics' ids."""


def deployed_dimensions(state: Mapping[str, Any]) -> Mapping[str, Dimensions]:
    """Return the dimensions of the alarms in a stack's state, by the alarms' names.

    Most dimensions, such as the id of a service, are known only there.
    """
    return {
        # An alarm's id is its name.
        str(resource["id"]): _deployed(resource["outputs"])
        for resource in state.get("resources") or []
        if resource["type"] == METRIC_ALARM and resource.get("id") and not resource.get("delete")
    }


def _deployed(outputs: Mapping[str, Any]) -> Dimensions:
    queries = outputs.get("metricQueries")
    if not queries:
        return {_ONLY: outputs.get("dimensions") or {}}
    return {
        each["id"]: each["metric"].get("dimensions") or {} for each in queries if each.get("metric")
    }


def definition(alarm: Alarm, topic_arn: str, dimensions: Dimensions) -> Definition:
    """Return what CloudWatch's description of an alarm must have.

    Args:
        alarm: the alarm.
        topic_arn: ARN of the topic that it notifies.
        dimensions: the dimensions of its metrics.
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
        return {**common, "Metrics": _queries(alarm, alarm.expression, dimensions)}
    (metric,) = alarm.metrics
    statistic = "ExtendedStatistic" if metric.is_percentile else "Statistic"
    return {
        **common,
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": dimensions.get(_ONLY, {}),
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
        if member in _COMPARABLE:
            current = _COMPARABLE[member](current or ())
        if current != value:
            yield f"{member} is {_shown(current)}, and must be {_shown(value)}"


def _shown(value: object) -> str:
    # A threshold is a float.
    return repr(int(value) if isinstance(value, float) and value.is_integer() else value)


def _notifying(topic_arn: str) -> Definition:
    return {"ActionsEnabled": True, "AlarmActions": [topic_arn], "OKActions": [topic_arn]}


def _queries(alarm: Alarm, expression: str, dimensions: Dimensions) -> Mapping[str, object]:
    return {
        _EXPRESSION: expression,
        **{
            each.id: (
                each.namespace,
                each.name,
                dimensions.get(each.id, {}),
                each.statistic,
                alarm.period,
            )
            for each in alarm.metrics
        },
    }


def _comparable_queries(queries: Iterable[Mapping[str, Any]]) -> Mapping[str, object]:
    """Return an alarm's metric math as `definition` does, whatever its order."""
    found: dict[str, object] = {}
    for query in queries:
        if "Expression" in query:
            found[_EXPRESSION] = query["Expression"]
        else:
            stat = query["MetricStat"]
            metric = stat["Metric"]
            found[query["Id"]] = (
                metric["Namespace"],
                metric["MetricName"],
                _comparable_dimensions(metric.get("Dimensions", ())),
                stat["Stat"],
                stat["Period"],
            )
    return found


def _comparable_dimensions(dimensions: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    return {each["Name"]: each["Value"] for each in dimensions}


_COMPARABLE: Final[Mapping[str, Callable[[Any], object]]] = {
    "Dimensions": _comparable_dimensions,
    "Metrics": _comparable_queries,
}
"""What makes members comparable that have an order or other names on AWS."""
