"""EventBridge's API: one handler per operation, from its validated request to its response."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from localcloud.aws.context import ServiceContext
from localcloud.aws.events import patterns, rules
from localcloud.aws.events.bus import EventBus
from localcloud.aws.events.models import JsonObject, Rule, Rules
from localcloud.aws.events.schedules import Schedules
from localcloud.aws.protocol import ApiError, without_nulls
from localcloud.aws.service_events import ServiceEvent

_Handler = Callable[[JsonObject], Awaitable[JsonObject]]


class EventBridge:
    """The EventBridge of one account in one region."""

    def __init__(
        self,
        stored: Rules,
        schedules: Schedules,
        bus: EventBus,
        context: ServiceContext,
    ) -> None:
        """Serve rules.

        Args:
            stored: the rules.
            schedules: invokes their targets when they are due.
            bus: takes the events of callers.
            context: where and when the service runs.
        """
        self._rules = stored
        self._schedules = schedules
        self._bus = bus
        self._account_id = context.account_id
        self._arn_base = context.arn("events", "rule/")
        self._clock = context.clock
        self._handlers: Mapping[str, _Handler] = {
            "DeleteRule": self._delete_rule,
            "DescribeRule": self._describe_rule,
            "DisableRule": self._disable_rule,
            "EnableRule": self._enable_rule,
            "ListRuleNamesByTarget": self._list_rule_names_by_target,
            "ListRules": self._list_rules,
            "ListTagsForResource": self._list_tags_for_resource,
            "ListTargetsByRule": self._list_targets_by_rule,
            "PutEvents": self._put_events,
            "PutRule": self._put_rule,
            "PutTargets": self._put_targets,
            "RemoveTargets": self._remove_targets,
            "TagResource": self._tag_resource,
            "TestEventPattern": self._test_event_pattern,
            "UntagResource": self._untag_resource,
        }

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request.

        Raises:
            ApiError: the operation fails.
        """
        handler = self._handlers.get(operation)
        if handler is None:
            raise ApiError(
                "ValidationException",
                f"The stand-in's EventBridge doesn't support {operation}.",
            )
        rules.require_supported(parameters)
        return await handler(parameters)

    async def run_rule(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Invoke a rule's targets now; an operation of the stand-in's own."""
        rule = self._found(parameters["Name"])
        if not rule.schedule:
            raise ApiError("ValidationException", f"The rule {rule.name} has no schedule.")
        return {"Failures": await self._schedules.run(rule)}

    async def _put_rule(self, parameters: JsonObject) -> JsonObject:
        name, schedule = parameters["Name"], parameters.get("ScheduleExpression", "")
        pattern = parameters.get("EventPattern") or None
        rules.check_trigger(schedule, pattern)
        due = self._due(schedule)
        before = self._rules.find(name)
        if before is not None and before.schedule == schedule:
            due = before.due
        rule = Rule(
            arn=f"{self._arn_base}{name}",
            name=name,
            schedule=schedule,
            pattern=pattern,
            enabled=parameters.get("State", "ENABLED") == "ENABLED",
            due=due,
            description=parameters.get("Description"),
            role_arn=parameters.get("RoleArn"),
            targets=before.targets if before else {},
            # Source: the API reference of PutRule: tags of an existing rule aren't updated.
            tags=before.tags if before else rules.with_tags({}, parameters.get("Tags", [])),
        )
        self._rules.put(rule)
        return {"RuleArn": rule.arn}

    async def _describe_rule(self, parameters: JsonObject) -> JsonObject:
        return {**_described(self._found(parameters["Name"])), "CreatedBy": self._account_id}

    async def _list_rules(self, parameters: JsonObject) -> JsonObject:
        prefix = parameters.get("NamePrefix", "")
        return {"Rules": [_described(rule) for rule in self._rules if rule.name.startswith(prefix)]}

    async def _delete_rule(self, parameters: JsonObject) -> JsonObject:
        rule = self._rules.find(parameters["Name"])
        if rule is not None and rule.targets:
            raise ApiError("ValidationException", "Rule can't be deleted since it has targets.")
        self._rules.remove(parameters["Name"])
        return {}

    async def _enable_rule(self, parameters: JsonObject) -> JsonObject:
        rule = self._found(parameters["Name"])
        if not rule.enabled:
            self._rules.put(replace(rule, enabled=True, due=self._due(rule.schedule)))
        return {}

    async def _disable_rule(self, parameters: JsonObject) -> JsonObject:
        self._rules.put(replace(self._found(parameters["Name"]), enabled=False))
        return {}

    async def _put_events(self, parameters: JsonObject) -> JsonObject:
        results: list[Mapping[str, str]] = []
        for entry in parameters["Entries"]:
            rules.require_supported(entry)
            event = rules.custom_event(entry, self._clock())
            results.append(
                {"EventId": self._bus.put_with_id(event)}
                if isinstance(event, ServiceEvent)
                else event
            )
        failed = sum("ErrorCode" in each for each in results)
        return {"FailedEntryCount": failed, "Entries": results}

    async def _test_event_pattern(self, parameters: JsonObject) -> JsonObject:
        pattern = patterns.parse(parameters["EventPattern"])
        return {"Result": patterns.matches(pattern, rules.test_event(parameters["Event"]))}

    async def _put_targets(self, parameters: JsonObject) -> JsonObject:
        rule = self._found(parameters["Rule"])
        targets = rules.with_targets(rule, parameters["Targets"])
        self._rules.put(replace(rule, targets=targets))
        return {"FailedEntryCount": 0, "FailedEntries": []}

    async def _remove_targets(self, parameters: JsonObject) -> JsonObject:
        rule = self._found(parameters["Rule"])
        removed = set(parameters["Ids"])
        kept = {key: target for key, target in rule.targets.items() if key not in removed}
        self._rules.put(replace(rule, targets=kept))
        return {"FailedEntryCount": 0, "FailedEntries": []}

    async def _list_targets_by_rule(self, parameters: JsonObject) -> JsonObject:
        targets = self._found(parameters["Rule"]).targets.values()
        return {
            "Targets": [
                without_nulls(
                    {
                        "Id": each.id,
                        "Arn": each.arn,
                        "Input": each.input,
                        "RetryPolicy": each.retry_policy and dict(each.retry_policy),
                    }
                )
                for each in targets
            ]
        }

    async def _list_rule_names_by_target(self, parameters: JsonObject) -> JsonObject:
        wanted = parameters["TargetArn"]
        return {
            "RuleNames": [
                rule.name
                for rule in self._rules
                if any(target.arn == wanted for target in rule.targets.values())
            ]
        }

    async def _tag_resource(self, parameters: JsonObject) -> JsonObject:
        rule = self._tagged(parameters)
        self._rules.put(replace(rule, tags=rules.with_tags(rule.tags, parameters["Tags"])))
        return {}

    async def _untag_resource(self, parameters: JsonObject) -> JsonObject:
        rule = self._tagged(parameters)
        removed = set(parameters["TagKeys"])
        kept = {key: value for key, value in rule.tags.items() if key not in removed}
        self._rules.put(replace(rule, tags=kept))
        return {}

    async def _list_tags_for_resource(self, parameters: JsonObject) -> JsonObject:
        tags = self._tagged(parameters).tags
        return {"Tags": [{"Key": key, "Value": tags[key]} for key in tags]}

    def _due(self, schedule: str) -> float:
        return self._schedules.next_run(schedule) if schedule else 0.0

    def _found(self, name: str) -> Rule:
        rule = self._rules.find(name)
        if rule is None:
            raise ApiError(
                "ResourceNotFoundException",
                f"Rule {name} does not exist on EventBus default.",
            )
        return rule

    def _tagged(self, parameters: JsonObject) -> Rule:
        return self._found(parameters["ResourceARN"].removeprefix(self._arn_base))


def _described(rule: Rule) -> JsonObject:
    return without_nulls(
        {
            "Name": rule.name,
            "Arn": rule.arn,
            "EventBusName": "default",
            "ScheduleExpression": rule.schedule or None,
            "EventPattern": rule.pattern,
            "State": "ENABLED" if rule.enabled else "DISABLED",
            "Description": rule.description,
            "RoleArn": rule.role_arn,
        }
    )
