"""What alarms send to their actions. Pure.

Sources: real notifications of alarms by e-mail and SNS, which AWS doesn't document member by
member, and "Invoke a Lambda function from an alarm" in the user guide.
"""

import datetime as dt
import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import botocore.session

from localcloud.aws.cloudwatch.alarms import Alarm, CompositeAlarm, MetricAlarm
from localcloud.aws.cloudwatch.states import StateRecord

_SUBJECT_LENGTH: Final = 100
"""Characters that SNS accepts (API reference, Publish)."""
_WORD: Final = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, kw_only=True)
class Change:
    """An alarm's change to its current state.

    Attributes:
        alarm: the alarm, after it.
        before: the state before.
        triggers: the alarms that caused it, for a composite alarm.
        offset: seconds by which CloudWatch's clock is ahead of its clients'.
    """

    alarm: Alarm
    before: StateRecord
    triggers: Sequence[Alarm]
    offset: int


@functools.cache
def region_name(region: str) -> str:
    """Return a region's name in text, such as US East (N. Virginia)."""
    endpoints = botocore.session.get_session().get_data("endpoints")
    for partition in endpoints["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"])
    return region


def subject(change: Change, region: str) -> str:
    """Return the subject of a notification."""
    text = f'{change.alarm.state.value}: "{{}}" in {region_name(region)}'
    room = _SUBJECT_LENGTH - len(text) + len("{}")
    name = change.alarm.name
    return text.format(name if len(name) <= room else f"{name[: room - 3]}...")


def notification(change: Change, *, account_id: str, region: str) -> str:
    """Return the message that an SNS topic gets, as JSON."""
    alarm, settings = change.alarm, change.alarm.settings
    content: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": settings.get("AlarmDescription"),
        "AWSAccountId": account_id,
        "AlarmConfigurationUpdatedTimestamp": timestamp(alarm.configured - change.offset),
        "NewStateValue": alarm.state.value,
        "NewStateReason": alarm.state.reason,
        "StateChangeTime": timestamp(alarm.state.transitioned - change.offset),
        "Region": region_name(region),
        "AlarmArn": alarm.arn,
        "OldStateValue": change.before.value,
        **{
            member: settings[member]
            for member in ("OKActions", "AlarmActions", "InsufficientDataActions")
        },
    }
    if isinstance(alarm, MetricAlarm):
        content["Trigger"] = _trigger(alarm)
    elif isinstance(alarm, CompositeAlarm):
        content["AlarmRule"] = settings["AlarmRule"]
        content["TriggeringChildren"] = [
            {
                "Arn": each.arn,
                "State": {
                    "Value": each.state.value,
                    "Timestamp": timestamp(each.state.transitioned - change.offset),
                },
            }
            for each in change.triggers
        ]
    return json.dumps(content)


def event(change: Change, *, account_id: str, region: str) -> str:
    """Return the event that a Lambda function gets, as JSON."""
    alarm = change.alarm
    return json.dumps(
        {
            "source": "aws.cloudwatch",
            "alarmArn": alarm.arn,
            "accountId": account_id,
            "time": timestamp(alarm.state.transitioned - change.offset),
            "region": region,
            "alarmData": {
                "alarmName": alarm.name,
                "state": _event_state(alarm.state, change.offset),
                "previousState": _event_state(change.before, change.offset),
                "configuration": _event_configuration(alarm),
            },
        }
    )


def timestamp(time: float) -> str:
    """Return a time as alarms write it, such as 2026-03-02T12:00:00.000+0000."""
    text = dt.datetime.fromtimestamp(time, dt.UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "+0000")


def _trigger(alarm: MetricAlarm) -> dict[str, Any]:
    settings = alarm.settings
    rule = {
        "Period": alarm.period,
        "EvaluationPeriods": alarm.rule.periods,
        "DatapointsToAlarm": alarm.rule.breaching,
        "ComparisonOperator": alarm.rule.comparison,
        "Threshold": alarm.rule.threshold,
        "TreatMissingData": alarm.rule.missing,
        "EvaluateLowSampleCountPercentile": settings.get("EvaluateLowSampleCountPercentile", ""),
    }
    if "Metrics" in settings:
        return {**rule, "Metrics": [_lower_dimensions(each) for each in settings["Metrics"]]}
    statistic = settings.get("Statistic")
    return {
        "MetricName": settings["MetricName"],
        "Namespace": settings["Namespace"],
        "StatisticType": "Statistic" if statistic else "ExtendedStatistic",
        **(
            {"Statistic": _WORD.sub("_", statistic).upper()}
            if statistic
            else {"ExtendedStatistic": settings["ExtendedStatistic"]}
        ),
        "Unit": settings.get("Unit"),
        "Dimensions": [_lower(each) for each in settings["Dimensions"]],
        **rule,
    }


def _lower(dimension: Mapping[str, str]) -> dict[str, str]:
    return {"value": dimension["Value"], "name": dimension["Name"]}


def _lower_dimensions(query: Mapping[str, Any]) -> dict[str, Any]:
    if "MetricStat" not in query:
        return dict(query)
    metric = query["MetricStat"]["Metric"]
    dimensions = [_lower(each) for each in metric.get("Dimensions", ())]
    stat = {**query["MetricStat"], "Metric": {**metric, "Dimensions": dimensions}}
    return {**query, "MetricStat": stat}


def _event_state(state: StateRecord, offset: int) -> dict[str, Any]:
    return {
        "value": state.value,
        "reason": state.reason,
        **({"reasonData": state.reason_data} if state.reason_data else {}),
        "timestamp": timestamp(state.updated - offset),
    }


def _event_configuration(alarm: Alarm) -> dict[str, Any]:
    settings = alarm.settings
    described = {"description": settings.get("AlarmDescription", "")}
    if isinstance(alarm, CompositeAlarm):
        suppressor = {
            f"{name[0].lower()}{name[1:]}": settings[name]
            for name in (
                "ActionsSuppressor",
                "ActionsSuppressorWaitPeriod",
                "ActionsSuppressorExtensionPeriod",
            )
            if name in settings
        }
        return {**described, "alarmRule": settings["AlarmRule"], **suppressor}
    if isinstance(alarm, MetricAlarm) and "Metrics" not in settings:
        query = alarm.queries.metrics[0]
        metric = {
            "namespace": query.metric.namespace,
            "name": query.metric.name,
            "dimensions": dict(sorted(query.metric.dimensions)),
        }
        stat = {"metric": metric, "period": query.period, "stat": query.statistic.name}
        return {**described, "metrics": [{"id": query.id, "metricStat": stat, "returnData": True}]}
    return {**described, "metrics": [_event_metric(each) for each in settings["Metrics"]]}


def _event_metric(query: Mapping[str, Any]) -> dict[str, Any]:
    common = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if "Expression" in query:
        return {**common, "expression": query["Expression"]}
    stat = query["MetricStat"]
    metric = stat["Metric"]
    return {
        **common,
        "metricStat": {
            "metric": {
                "namespace": metric["Namespace"],
                "name": metric["MetricName"],
                "dimensions": {
                    each["Name"]: each["Value"] for each in metric.get("Dimensions", ())
                },
            },
            "period": stat["Period"],
            "stat": stat["Stat"],
        },
    }
