"""What PutMetricAlarm accepts. Pure.

Source: the API reference of PutMetricAlarm.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from localcloud.aws.cloudwatch.errors import (
    combination_error,
    missing_parameter,
    unsupported,
    validation_error,
)
from localcloud.aws.cloudwatch.evaluation import COMPARISONS, Missing, Rule
from localcloud.aws.cloudwatch.queries import MathQuery, MetricQuery, Queries
from localcloud.aws.movable_clock import MINUTE
from localcloud.aws.protocol import ApiError

ACTIONS: Final = ("OKActions", "AlarmActions", "InsufficientDataActions")
SINGLE: Final = "m1"
"""The id of the query of an alarm on a single metric."""
_SINGLE_METRIC: Final = (
    "Namespace",
    "Dimensions",
    "Period",
    "Unit",
    "Statistic",
    "ExtendedStatistic",
)
_UNSUPPORTED: Final = (
    "EvaluationCriteria",
    "EvaluationInterval",
    "ThresholdMetricId",
    "WarmUpConfiguration",
)
_SHORT_PERIODS: Final = frozenset({10, 20, 30})
_DAY: Final = 24 * 60 * MINUTE
_WEEK: Final = 7 * _DAY
_LONG_PERIOD: Final = 60 * MINUTE
_MAX_METRICS: Final = 10
_ARN: Final = re.compile(r"arn:[\w-]+:([\w-]+):([\w-]*):\d*:.+")


@dataclass(frozen=True, kw_only=True)
class MetricAlarmSettings:
    """A valid request.

    Attributes:
        settings: the members that the API returns, with their defaults.
        queries: what the alarm reads.
        watched: the id of the query that it compares with its threshold.
        rule: when it is in the state ALARM.
    """

    settings: Mapping[str, Any]
    queries: Queries
    watched: str
    rule: Rule


def with_actions(parameters: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return an alarm's settings, with the defaults of its actions.

    Raises:
        ApiError: an action isn't valid, or isn't supported.
    """
    settings = {
        name: value for name, value in parameters.items() if name not in {"AlarmName", "Tags"}
    }
    settings["ActionsEnabled"] = parameters.get("ActionsEnabled", True)
    for member in ACTIONS:
        settings[member] = parameters.get(member, [])
        for arn in settings[member]:
            _require_action(arn, region)
    return settings


def read(parameters: Mapping[str, Any], region: str) -> MetricAlarmSettings:
    """Read a request.

    Raises:
        ApiError: it isn't valid, or uses what isn't supported.
    """
    for name in _UNSUPPORTED:
        if name in parameters:
            raise unsupported(f"{name} of alarms")
    if "WallClockWindow" in parameters.get("EvaluationWindow", {}):
        raise unsupported("alarms with a wall clock window")
    queries, watched = _queries(parameters)
    rule = _rule(parameters, queries, watched)
    _require_length(queries.period(), rule.periods)
    settings = with_actions(parameters, region)
    if "MetricName" in parameters:
        settings["Dimensions"] = parameters.get("Dimensions", [])
    return MetricAlarmSettings(settings=settings, queries=queries, watched=watched, rule=rule)


def _queries(parameters: Mapping[str, Any]) -> tuple[Queries, str]:
    if ("MetricName" in parameters) == ("Metrics" in parameters):
        raise combination_error("Specify either MetricName or Metrics, and not both.")
    if "MetricName" in parameters:
        return Queries.of([_single_query(parameters)]), SINGLE
    for name in _SINGLE_METRIC:
        if name in parameters:
            raise combination_error(f"{name} can't be combined with Metrics.")
    queries = Queries.of(parameters["Metrics"])
    if len(queries.all) > _MAX_METRICS:
        raise validation_error(f"An alarm can have at most {_MAX_METRICS} metrics.")
    if len(queries.returned) != 1:
        raise validation_error("Exactly one element of the metrics list should return data.")
    if len({each.period for each in queries.metrics}) > 1:
        raise unsupported("alarms on metrics with different periods")
    return queries, queries.returned[0].id


def _single_query(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in ("Namespace", "Period"):
        if name not in parameters:
            raise missing_parameter(f"The parameter {name} is required.")
    if ("Statistic" in parameters) == ("ExtendedStatistic" in parameters):
        raise combination_error("Specify either Statistic or ExtendedStatistic, and not both.")
    metric = {
        name: parameters[name]
        for name in ("Namespace", "MetricName", "Dimensions")
        if name in parameters
    }
    stat = {
        "Metric": metric,
        "Period": parameters["Period"],
        "Stat": parameters.get("Statistic") or parameters["ExtendedStatistic"],
    }
    unit = {"Unit": parameters["Unit"]} if "Unit" in parameters else {}
    return {"Id": SINGLE, "MetricStat": {**stat, **unit}}


def _rule(parameters: Mapping[str, Any], queries: Queries, watched: str) -> Rule:
    for name in ("EvaluationPeriods", "ComparisonOperator", "Threshold"):
        if name not in parameters:
            raise missing_parameter(f"The parameter {name} is required.")
    if parameters["ComparisonOperator"] not in COMPARISONS:
        raise unsupported(f"anomaly detection ({parameters['ComparisonOperator']})")
    periods = parameters["EvaluationPeriods"]
    breaching = parameters.get("DatapointsToAlarm", periods)
    if breaching > periods:
        raise validation_error("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    treatment = parameters.get("TreatMissingData", Missing.MISSING)
    if treatment not in set(Missing):
        allowed = ", ".join(Missing)
        raise validation_error(
            f"The value '{treatment}' for TreatMissingData must be one of {allowed}."
        )
    return Rule(
        comparison=parameters["ComparisonOperator"],
        threshold=float(parameters["Threshold"]),
        periods=periods,
        breaching=breaching,
        missing=Missing(treatment),
        enough_values=_enough_values(parameters, queries, watched),
    )


def _enough_values(parameters: Mapping[str, Any], queries: Queries, watched: str) -> float:
    treatment = parameters.get("EvaluateLowSampleCountPercentile", "evaluate")
    if treatment not in {"evaluate", "ignore"}:
        raise validation_error(
            f"The value '{treatment}' for EvaluateLowSampleCountPercentile must be evaluate or"
            " ignore."
        )
    if "EvaluateLowSampleCountPercentile" not in parameters:
        return 0
    query = next(each for each in queries.all if each.id == watched)
    if isinstance(query, MathQuery) or query.statistic.percentile is None:
        raise validation_error(
            "EvaluateLowSampleCountPercentile is for alarms on percentiles only."
        )
    return query.statistic.enough_values if treatment == "ignore" else 0


def _require_length(period: int, periods: int) -> None:
    if period not in _SHORT_PERIODS and period % MINUTE:
        raise validation_error(f"The period must be 10, 20, 30 or a multiple of {MINUTE}.")
    longest = _DAY if period < _LONG_PERIOD else _WEEK
    if period * periods > longest:
        raise validation_error(
            f"Metrics cannot be checked across more than {longest} seconds"
            f" (EvaluationPeriods * Period must be <= {longest})."
        )


def _require_action(arn: str, region: str) -> None:
    found = _ARN.fullmatch(arn)
    if found is None:
        raise validation_error(f"Invalid arn syntax: {arn}")
    service, own_region = found[1], found[2]
    if service not in {"lambda", "sns"}:
        raise unsupported(f"actions of {service} ({arn}); use an SNS topic or a Lambda function")
    if own_region != region:
        raise validation_error(
            f"Invalid region {own_region} specified. Only {region} is supported."
        )


def watched_metric(queries: Queries, watched: str) -> MetricQuery | None:
    """Return the query for the metric that an alarm watches; None if it is an expression."""
    found = next(each for each in queries.all if each.id == watched)
    return found if isinstance(found, MetricQuery) else None


def require_existing(names: Sequence[str], missing: Sequence[str]) -> None:
    """Require that the alarms of a composite alarm's rule exist.

    Raises:
        ApiError: ValidationException, with those that don't.
    """
    if missing:
        listed = ", ".join(name for name in names if name in missing)
        raise ApiError(
            "ValidationException",
            f"Could not save the composite alarm as alarms [{listed}] in the alarm rule do not"
            " exist",
        )
