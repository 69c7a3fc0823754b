"""The API of alarms: one handler per operation.

Source: the API reference of Amazon CloudWatch.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from localcloud.aws.cloudwatch import composite_rules, metric_alarm_rules
from localcloud.aws.cloudwatch.alarms import (
    Alarm,
    Alarms,
    CompositeAlarm,
    MetricAlarm,
    Suppressor,
)
from localcloud.aws.cloudwatch.errors import (
    combination_error,
    missing_parameter,
    not_found,
    unsupported,
    validation_error,
)
from localcloud.aws.cloudwatch.handlers import Handler, JsonObject, page
from localcloud.aws.cloudwatch.history import History, alarm_type
from localcloud.aws.cloudwatch.metrics import Metric
from localcloud.aws.cloudwatch.monitor import Monitor
from localcloud.aws.cloudwatch.states import State, StateRecord
from localcloud.aws.cloudwatch.suppression import suppressed_by
from localcloud.aws.cloudwatch.tags import read_tags
from localcloud.aws.context import ServiceContext
from localcloud.aws.movable_clock import MovableClock
from localcloud.aws.protocol import ApiError

_DESCRIBED: Final = 50
_SUPPRESSOR: Final = "ActionsSuppressor"
_PERIODS: Final = ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")


class AlarmOperations:
    """Stores and describes alarms."""

    def __init__(
        self,
        alarms: Alarms,
        history: History,
        monitor: Monitor,
        clock: MovableClock,
        context: ServiceContext,
    ) -> None:
        """Serve alarms, which the monitor evaluates."""
        self._alarms = alarms
        self._history = history
        self._monitor = monitor
        self._clock = clock
        self._context = context

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by their operations."""
        return {
            "DeleteAlarms": self._delete_alarms,
            "DescribeAlarmHistory": self._describe_alarm_history,
            "DescribeAlarms": self._describe_alarms,
            "DescribeAlarmsForMetric": self._describe_alarms_for_metric,
            "DisableAlarmActions": self._disable_alarm_actions,
            "EnableAlarmActions": self._enable_alarm_actions,
            "PutCompositeAlarm": self._put_composite_alarm,
            "PutMetricAlarm": self._put_metric_alarm,
            "SetAlarmState": self._set_alarm_state,
        }

    async def _put_metric_alarm(self, parameters: JsonObject) -> JsonObject:
        accepted = metric_alarm_rules.read(parameters, self._context.region)
        name = parameters["AlarmName"]
        before = self._alarms.find(name)
        if isinstance(before, CompositeAlarm):
            raise validation_error(f"The alarm {name} is a composite alarm.")
        alarm = MetricAlarm(
            **self._common(parameters, before),
            settings=accepted.settings,
            queries=accepted.queries,
            watched=accepted.watched,
            rule=accepted.rule,
        )
        self._put(alarm, is_new=before is None)
        return {}

    async def _put_composite_alarm(self, parameters: JsonObject) -> JsonObject:
        expression = composite_rules.parse(parameters["AlarmRule"])
        named = list(dict.fromkeys(expression.alarms()))
        name = parameters["AlarmName"]
        missing = [each for each in named if each != name and self._alarms.find(each) is None]
        metric_alarm_rules.require_existing(named, missing)
        before = self._alarms.find(name)
        if isinstance(before, MetricAlarm):
            raise validation_error(f"The alarm {name} is a metric alarm.")
        alarm = CompositeAlarm(
            **self._common(parameters, before),
            settings=metric_alarm_rules.with_actions(parameters, self._context.region),
            expression=expression,
            suppressor=self._suppressor(parameters),
        )
        self._put(alarm, is_new=before is None)
        self._monitor.reconsider(name)
        return {}

    def _suppressor(self, parameters: JsonObject) -> Suppressor | None:
        if _SUPPRESSOR not in parameters:
            if any(each in parameters for each in _PERIODS):
                raise validation_error(f"{' and '.join(_PERIODS)} require {_SUPPRESSOR}.")
            return None
        for each in _PERIODS:
            if each not in parameters:
                raise missing_parameter(f"{each} is required with {_SUPPRESSOR}.")
        suppressor = parameters[_SUPPRESSOR]
        if self._alarms.find(suppressor) is None:
            raise validation_error(f"The {_SUPPRESSOR} {suppressor} does not exist.")
        wait, extension = (parameters[each] for each in _PERIODS)
        return Suppressor(alarm=suppressor, wait=wait, extension=extension)

    def _common(self, parameters: JsonObject, before: Alarm | None) -> dict[str, Any]:
        """Return the attributes of every kind of alarm; an update keeps the state and the tags."""
        name, now = parameters["AlarmName"], self._clock.now()
        return {
            "name": name,
            "arn": self._context.arn("cloudwatch", f"alarm:{name}"),
            "configured": now,
            "state": before.state if before else StateRecord.initial(now),
            "held_from": before.held_from if before else None,
            "tags": before.tags if before else read_tags(parameters.get("Tags", [])),
        }

    def _put(self, alarm: Alarm, *, is_new: bool) -> None:
        self._alarms.put(alarm)
        what = "created" if is_new else "updated"
        self._history.configured(alarm, what, now=self._clock.now())

    async def _delete_alarms(self, parameters: JsonObject) -> JsonObject:
        found = [
            alarm
            for name in dict.fromkeys(parameters["AlarmNames"])
            if (alarm := self._alarms.find(name)) is not None
        ]
        if len([each for each in found if isinstance(each, CompositeAlarm)]) > 1:
            raise validation_error("Only one composite alarm can be deleted in one operation.")
        needed = [each.name for each in found if self._alarms.parents(each)]
        if needed:
            them = "it" if len(needed) == 1 else "them"
            raise validation_error(
                f"Cannot delete {','.join(needed)} as there are composite alarm(s) depending on"
                f" {them}."
            )
        for alarm in found:
            self._alarms.remove(alarm.name)
            self._history.configured(alarm, "deleted", now=self._clock.now())
        return {}

    async def _set_alarm_state(self, parameters: JsonObject) -> JsonObject:
        alarm = self._found(parameters["AlarmName"])
        reason_data = parameters.get("StateReasonData")
        try:
            json.loads(reason_data or "{}")
        except ValueError as error:
            raise ApiError("InvalidFormatFault", "StateReasonData is not valid JSON.") from error
        await self._monitor.set_state(
            alarm,
            State(parameters["StateValue"]),
            reason=parameters["StateReason"],
            reason_data=reason_data,
        )
        return {}

    async def _enable_alarm_actions(self, parameters: JsonObject) -> JsonObject:
        return self._with_actions_enabled(parameters["AlarmNames"], is_enabled=True)

    async def _disable_alarm_actions(self, parameters: JsonObject) -> JsonObject:
        return self._with_actions_enabled(parameters["AlarmNames"], is_enabled=False)

    def _with_actions_enabled(self, names: Sequence[str], *, is_enabled: bool) -> JsonObject:
        for name in names:
            alarm = self._alarms.find(name)
            if alarm is not None:
                settings = {**alarm.settings, "ActionsEnabled": is_enabled}
                self._put(replace(alarm, settings=settings), is_new=False)
        return {}

    async def _describe_alarms(self, parameters: JsonObject) -> JsonObject:
        if "AlarmNames" in parameters and "AlarmNamePrefix" in parameters:
            raise combination_error("AlarmNames can't be combined with AlarmNamePrefix.")
        for name in ("ChildrenOfAlarmName", "ParentsOfAlarmName"):
            if name in parameters:
                raise unsupported(f"{name} in DescribeAlarms")
        types = parameters.get("AlarmTypes") or ["MetricAlarm"]
        matching = [
            each
            for each in self._alarms
            if alarm_type(each) in types and _matches(each, parameters)
        ]
        found, token = page(matching, parameters, size=_DESCRIBED)
        return {
            "MetricAlarms": [
                self._described(each) for each in found if isinstance(each, MetricAlarm)
            ],
            "CompositeAlarms": [
                self._described_composite(each)
                for each in found
                if isinstance(each, CompositeAlarm)
            ],
            "NextToken": token,
        }

    async def _describe_alarms_for_metric(self, parameters: JsonObject) -> JsonObject:
        metric = Metric.of(parameters["Namespace"], parameters)
        statistic = parameters.get("Statistic") or parameters.get("ExtendedStatistic")
        found = [
            alarm
            for alarm in self._alarms.metric_alarms
            for query in alarm.queries.metrics
            if "MetricName" in alarm.settings
            and query.metric == metric
            and statistic in {None, query.statistic.name}
            and parameters.get("Period") in {None, query.period}
            and parameters.get("Unit") in {None, query.unit}
        ]
        return {"MetricAlarms": [self._described(each) for each in found]}

    async def _describe_alarm_history(self, parameters: JsonObject) -> JsonObject:
        start, end = parameters.get("StartDate"), parameters.get("EndDate")
        types = parameters.get("AlarmTypes") or ["MetricAlarm"]
        if "AlarmName" in parameters and "AlarmTypes" not in parameters:
            types = ["MetricAlarm", "CompositeAlarm"]
        items = [
            each
            for each in self._history.items(now=self._clock.now())
            if parameters.get("AlarmName") in {None, each.alarm}
            and each.alarm_type in types
            and parameters.get("HistoryItemType") in {None, each.kind}
            and (start is None or self._clock.to_client(each.time) >= start)
            and (end is None or self._clock.to_client(each.time) < end)
        ]
        if parameters.get("ScanBy", "TimestampDescending") == "TimestampDescending":
            items.reverse()
        found, token = page(items, parameters, size=100)
        return {
            "AlarmHistoryItems": [
                {
                    "AlarmName": each.alarm,
                    "AlarmType": each.alarm_type,
                    "Timestamp": self._date(each.time),
                    "HistoryItemType": each.kind,
                    "HistorySummary": each.summary,
                    "HistoryData": each.data,
                }
                for each in found
            ],
            "NextToken": token,
        }

    def _described(self, alarm: Alarm) -> JsonObject:
        return {
            **alarm.settings,
            "AlarmName": alarm.name,
            "AlarmArn": alarm.arn,
            "AlarmConfigurationUpdatedTimestamp": self._date(alarm.configured),
            "StateValue": alarm.state.value,
            "StateReason": alarm.state.reason,
            "StateReasonData": alarm.state.reason_data,
            "StateUpdatedTimestamp": self._date(alarm.state.updated),
            "StateTransitionedTimestamp": self._date(alarm.state.transitioned),
        }

    def _described_composite(self, alarm: CompositeAlarm) -> JsonObject:
        suppressor = self._alarms.find(alarm.suppressor.alarm) if alarm.suppressor else None
        cause = (
            suppressed_by(alarm, suppressor.state, self._clock.now())
            if suppressor and alarm.held_from is not None
            else None
        )
        return {
            **self._described(alarm),
            "ActionsSuppressedBy": cause,
            "ActionsSuppressedReason": cause and f"Actions suppressed by {cause}",
        }

    def _date(self, time: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._clock.to_client(time), dt.UTC)

    def _found(self, name: str) -> Alarm:
        alarm = self._alarms.find(name)
        if alarm is None:
            raise not_found(f"The alarm {name} does not exist.")
        return alarm


def _matches(alarm: Alarm, parameters: Mapping[str, Any]) -> bool:
    prefix = parameters.get("ActionPrefix", "")
    return (
        alarm.name in parameters.get("AlarmNames", [alarm.name])
        and alarm.name.startswith(parameters.get("AlarmNamePrefix", ""))
        and parameters.get("StateValue", alarm.state.value) == alarm.state.value
        and (
            not prefix
            or any(
                action.startswith(prefix)
                for member in metric_alarm_rules.ACTIONS
                for action in alarm.settings[member]
            )
        )
    )
