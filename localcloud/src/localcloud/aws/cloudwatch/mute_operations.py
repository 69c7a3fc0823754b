"""The API of mute rules: one handler per operation.

Source: the API reference of Amazon CloudWatch.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from localcloud.aws.cloudwatch import mutes
from localcloud.aws.cloudwatch.alarms import Alarms
from localcloud.aws.cloudwatch.errors import missing_resource, validation_error
from localcloud.aws.cloudwatch.handlers import Handler, JsonObject, page
from localcloud.aws.cloudwatch.mutes import Interval, MuteRule, MuteRules
from localcloud.aws.cloudwatch.tags import read_tags
from localcloud.aws.context import ServiceContext
from localcloud.aws.movable_clock import MovableClock

_LISTED: Final = 50


class MuteOperations:
    """Stores and describes mute rules."""

    def __init__(
        self, rules: MuteRules, alarms: Alarms, clock: MovableClock, context: ServiceContext
    ) -> None:
        """Serve mute rules of alarms."""
        self._rules = rules
        self._alarms = alarms
        self._clock = clock
        self._context = context

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by their operations."""
        return {
            "DeleteAlarmMuteRule": self._delete_alarm_mute_rule,
            "GetAlarmMuteRule": self._get_alarm_mute_rule,
            "ListAlarmMuteRules": self._list_alarm_mute_rules,
            "PutAlarmMuteRule": self._put_alarm_mute_rule,
        }

    async def _put_alarm_mute_rule(self, parameters: JsonObject) -> JsonObject:
        name, schedule = parameters["Name"], parameters["Rule"]["Schedule"]
        targets = parameters.get("MuteTargets", {}).get("AlarmNames", [])
        missing = sorted(each for each in targets if self._alarms.find(each) is None)
        if missing:
            raise validation_error(f"The alarms {', '.join(missing)} do not exist.")
        given = mutes.interval(
            schedule["Expression"],
            schedule["Duration"],
            schedule.get("Timezone", "UTC"),
            start_date=parameters.get("StartDate"),
            expire_date=parameters.get("ExpireDate"),
        )
        before = self._rules.find(name)
        self._rules.put(
            MuteRule(
                name=name,
                arn=self._context.arn("cloudwatch", f"alarm-mute-rule:{name}"),
                content={
                    key: parameters[key]
                    for key in ("Description", "Rule", "MuteTargets", "StartDate", "ExpireDate")
                    if key in parameters
                },
                interval=Interval(
                    start=self._clock.from_client(given.start),
                    end=self._clock.from_client(given.end),
                ),
                alarms=frozenset(targets),
                updated=self._clock.now(),
                tags=before.tags if before else read_tags(parameters.get("Tags", [])),
            )
        )
        return {}

    async def _get_alarm_mute_rule(self, parameters: JsonObject) -> JsonObject:
        name = parameters["AlarmMuteRuleName"]
        rule = self._rules.find(name)
        if rule is None:
            raise missing_resource(f"The alarm mute rule {name} does not exist.")
        return {"Name": rule.name, **rule.content, **self._described(rule)}

    async def _list_alarm_mute_rules(self, parameters: JsonObject) -> JsonObject:
        now, wanted = self._clock.now(), parameters.get("Statuses")
        matching = [
            each
            for each in self._rules
            if parameters.get("AlarmName", next(iter(each.alarms), None)) in {*each.alarms, None}
            and (not wanted or each.status(now) in wanted)
        ]
        found, token = page(matching, parameters, size=_LISTED)
        return {
            "AlarmMuteRuleSummaries": [self._described(each) for each in found],
            "NextToken": token,
        }

    async def _delete_alarm_mute_rule(self, parameters: JsonObject) -> JsonObject:
        # The monitor then executes the actions that the rule muted.
        self._rules.remove(parameters["AlarmMuteRuleName"])
        return {}

    def _described(self, rule: MuteRule) -> dict[str, Any]:
        updated = self._clock.to_client(rule.updated)
        return {
            "AlarmMuteRuleArn": rule.arn,
            "ExpireDate": rule.content.get("ExpireDate"),
            "Status": rule.status(self._clock.now()),
            "MuteType": "ONE_TIME",
            "LastUpdatedTimestamp": dt.datetime.fromtimestamp(updated, dt.UTC),
        }
