import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from localcloud.aws.context import ServiceContext
from localcloud.aws.events import rules
from localcloud.aws.events.bus import EventBus
from localcloud.aws.events.invocations import Invocations
from localcloud.aws.events.models import Rules
from localcloud.aws.events.operations import EventBridge
from localcloud.aws.events.schedules import Schedules
from localcloud.aws.events.targets import Targets
from localcloud.aws.functions import Source
from localcloud.aws.movable_clock import MovableClock
from localcloud.aws.passing_time import PassingTime
from localcloud.aws.protocol import ApiError
from localcloud.aws.service_events import ServiceEvent

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:retire"
TOPIC = "arn:aws:sns:us-east-1:000000000000:alarms"
GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/events/failed"
SERVICE = "arn:aws:apprunner:us-east-1:000000000000:service/server/1"
PATTERN = json.dumps({"source": ["aws.apprunner"], "detail": {"operationStatus": ["Failed"]}})
HOUR = 60 * 60


@dataclass
class FakeFunctions:
    """Accepts events unless a test says otherwise."""

    failure: str | None = None
    sent: list[tuple[str, Any, Source]] = field(default_factory=list)

    async def send(self, function: str, event: bytes, source: Source) -> str | None:
        self.sent.append((function, json.loads(event), source))
        return self.failure


@dataclass
class FakeTopics:
    """Records messages."""

    published: list[tuple[str, Any]] = field(default_factory=list)

    async def publish_as(self, topic_arn: str, *, source: Source, message: str) -> str | None:
        assert source.service == "events.amazonaws.com"
        self.published.append((topic_arn, json.loads(message)))
        return None


@dataclass
class FakeLogs:
    """Records messages."""

    written: list[tuple[str, Any, float]] = field(default_factory=list)

    async def write(self, group_arn: str, message: str, at: float, _source: Source) -> str | None:
        self.written.append((group_arn, json.loads(message), at))
        return None


class Service:
    """EventBridge without HTTP."""

    def __init__(self) -> None:
        self.now = 0.0
        self.functions, self.topics, self.logs = FakeFunctions(), FakeTopics(), FakeLogs()
        self.metrics: dict[tuple[str, str], float] = {}
        context = ServiceContext(
            region="us-east-1", account_id="000000000000", clock=lambda: self.now
        )
        stored = Rules()
        targets = Targets(functions=self.functions, topics=self.topics, logs=self.logs)
        invocations = Invocations(targets=targets, put_metrics=self.put_metrics)
        clock = MovableClock(context.clock)
        self.schedules = Schedules(stored, invocations, context, clock)
        self.passing_time = PassingTime(clock, before=[], due=[self.schedules.run_due])
        self.bus = EventBus(stored, invocations, context)
        self.api = EventBridge(stored, self.schedules, self.bus, context)

    async def put_metrics(self, namespace: str, data: Sequence[Mapping[str, Any]]) -> None:
        assert namespace == "AWS/Events"
        for each in data:
            [dimension] = each["Dimensions"]
            assert dimension["Name"] == "RuleName"
            key = (dimension["Value"], each["MetricName"])
            self.metrics[key] = self.metrics.get(key, 0) + each["Value"]

    async def call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        return await self.api.call(operation, parameters)

    async def put(self, expression: str = "rate(1 hour)", **more: Any) -> str:  # noqa: ANN401 - any JSON
        """Put a rule with one target, and return its ARN."""
        rule = await self.call("PutRule", Name="rule", ScheduleExpression=expression, **more)
        target = {"Id": "one", "Arn": FUNCTION, "Input": '{"retire": []}'}
        await self.call("PutTargets", Rule="rule", Targets=[target])
        return str(rule["RuleArn"])

    async def put_pattern(self, pattern: str = PATTERN, *targets: str, name: str = "rule") -> str:
        """Put a rule with a pattern, and return its ARN."""
        rule = await self.call("PutRule", Name=name, EventPattern=pattern)
        listed = [{"Id": str(number), "Arn": arn} for number, arn in enumerate(targets)]
        if listed:
            await self.call("PutTargets", Rule=name, Targets=listed)
        return str(rule["RuleArn"])

    async def send(self, status: str = "Failed", source: str = "aws.apprunner") -> None:
        """Send an event of a service, and deliver it."""
        self.bus.put(
            ServiceEvent(
                source=source,
                detail_type="AppRunner Service Operation Status Change",
                resources=(SERVICE,),
                detail={"operationStatus": status},
                at=self.now,
            )
        )
        await self.bus.deliver_waiting()

    async def number_after(self, seconds: float) -> int:
        """Move the clock, and return how many events have been sent."""
        self.now += seconds
        await self.schedules.run_due()
        return len(self.functions.sent)


@pytest.fixture
def service() -> Service:
    return Service()


async def test_a_rule_sends_its_input_once_in_each_interval(service: Service) -> None:
    arn = await service.put()
    assert await service.number_after(HOUR - 1) == 0
    assert await service.number_after(1) == 1
    assert await service.number_after(HOUR - 1) == 1
    assert await service.number_after(1) == 2
    assert service.functions.sent[0] == (
        FUNCTION,
        {"retire": []},
        Source(service="events.amazonaws.com", arn=arn),
    )


async def test_a_schedule_runs_as_often_as_its_interval_is_in_the_time_that_passes(
    service: Service,
) -> None:
    await service.put("rate(5 minutes)")
    await service.passing_time.move({"Seconds": HOUR})
    assert len(service.functions.sent) == 12
    await service.call("PutRule", Name="rule", ScheduleExpression="rate(10 minutes)")
    await service.passing_time.move({"Seconds": HOUR})
    assert len(service.functions.sent) == 12 + 6


async def test_a_target_without_an_input_gets_the_scheduled_event(service: Service) -> None:
    arn = await service.put()
    await service.call("PutTargets", Rule="rule", Targets=[{"Id": "one", "Arn": FUNCTION}])
    await service.number_after(HOUR)
    [(_, event, _)] = service.functions.sent
    assert event["detail-type"] == "Scheduled Event"
    assert event["resources"] == [arn]
    assert event["time"] == "1970-01-01T01:00:00Z"


async def test_a_refused_event_does_not_stop_the_schedule(service: Service) -> None:
    service.functions.failure = "not allowed"
    await service.put()
    assert await service.number_after(HOUR) == 1
    assert await service.number_after(HOUR) == 2


async def test_a_disabled_rule_waits_for_an_interval_after_it_is_enabled(
    service: Service,
) -> None:
    await service.put(State="DISABLED")
    assert await service.number_after(2 * HOUR) == 0
    await service.call("EnableRule", Name="rule")
    assert await service.number_after(HOUR - 1) == 0
    await service.call("EnableRule", Name="rule")
    assert await service.number_after(1) == 1
    await service.call("DisableRule", Name="rule")
    assert (await service.call("DescribeRule", Name="rule"))["State"] == "DISABLED"
    assert await service.number_after(2 * HOUR) == 1


async def test_a_changed_schedule_counts_from_the_change(service: Service) -> None:
    await service.put()
    service.now = HOUR / 2
    await service.put(Description="the same schedule")
    assert await service.number_after(HOUR / 2) == 1
    await service.put("rate(2 hours)")
    assert await service.number_after(HOUR) == 1
    assert await service.number_after(HOUR) == 2


async def test_an_omitted_member_is_removed_and_targets_and_tags_stay(service: Service) -> None:
    arn = await service.put(Description="one", Tags=[{"Key": "a", "Value": "1"}])
    await service.call("PutRule", Name="rule", ScheduleExpression="rate(1 hour)")
    described = await service.call("DescribeRule", Name="rule")
    assert "Description" not in described
    assert len((await service.call("ListTargetsByRule", Rule="rule"))["Targets"]) == 1
    tags = await service.call("ListTagsForResource", ResourceARN=arn)
    assert tags == {"Tags": [{"Key": "a", "Value": "1"}]}
    await service.call("TagResource", ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    await service.call("UntagResource", ResourceARN=arn, TagKeys=["a"])
    tags = await service.call("ListTagsForResource", ResourceARN=arn)
    assert tags == {"Tags": [{"Key": "b", "Value": "2"}]}


async def test_a_rule_is_deleted_after_its_targets(service: Service) -> None:
    await service.put()
    with pytest.raises(ApiError, match="Rule can't be deleted since it has targets") as error:
        await service.call("DeleteRule", Name="rule")
    assert error.value.code == "ValidationException"
    await service.call("RemoveTargets", Rule="rule", Ids=["one"])
    for _ in range(2):
        await service.call("DeleteRule", Name="rule")
    assert (await service.call("ListRules"))["Rules"] == []


async def test_rules_are_listed_by_prefix(service: Service) -> None:
    await service.put()
    for prefix, expected in (("ru", ["rule"]), ("x", [])):
        listed = await service.call("ListRules", NamePrefix=prefix)
        assert [rule["Name"] for rule in listed["Rules"]] == expected


async def test_a_rule_has_at_most_five_targets(service: Service) -> None:
    await service.put()
    targets = [{"Id": f"target-{number}", "Arn": FUNCTION} for number in range(4)]
    await service.call("PutTargets", Rule="rule", Targets=targets)
    with pytest.raises(ApiError, match="at most 5 targets") as error:
        await service.call("PutTargets", Rule="rule", Targets=[{"Id": "6", "Arn": FUNCTION}])
    assert error.value.code == "LimitExceededException"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:queue"}, "must be a Lambda"),
        ({"Id": "1", "Arn": GROUP, "Input": "{}"}, "support Input of a log group"),
        ({"Id": "1", "Arn": FUNCTION, "InputPath": "$.detail"}, "support InputPath of a target"),
        ({"Id": "1", "Arn": FUNCTION, "Input": "nonsense"}, "Input is not valid JSON"),
    ],
)
async def test_targets_that_are_refused(
    service: Service, target: dict[str, str], reason: str
) -> None:
    await service.put()
    with pytest.raises(ApiError, match=reason) as error:
        await service.call("PutTargets", Rule="rule", Targets=[target])
    assert error.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("DescribeRule", {"Name": "rule"}),
        ("EnableRule", {"Name": "rule"}),
        ("PutTargets", {"Rule": "rule", "Targets": []}),
        ("ListTargetsByRule", {"Rule": "rule"}),
        ("TagResource", {"ResourceARN": "arn:aws:events:x:y:rule/rule", "Tags": []}),
    ],
)
async def test_a_missing_rule_is_not_found(
    service: Service, operation: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ApiError, match="does not exist") as error:
        await service.call(operation, **parameters)
    assert error.value.code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("CreateEventBus", {"Name": "other"}),
        ("PutRule", {"Name": "rule", "EventPattern": '{"a": [{"suffix": "x"}]}'}),
        ("PutEvents", {"Entries": [{"EventBusName": "other"}]}),
        ("PutRule", {"Name": "rule", "ScheduleExpression": "cron(0 0 * * ? *)"}),
        ("ListRules", {"EventBusName": "other"}),
    ],
)
async def test_what_is_not_supported_is_refused_by_name(
    service: Service, operation: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ApiError, match="The stand-in's EventBridge doesn't support"):
        await service.call(operation, **parameters)


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(1 day)", 24 * HOUR)],
)
def test_a_rate_is_an_interval(expression: str, seconds: float) -> None:
    assert rules.interval(expression) == seconds


@pytest.mark.parametrize(
    "expression",
    ["rate()", "rate(1 hours)", "rate(2 hour)", "rate(0 hours)", "rate(1 week)", "every hour"],
)
def test_another_rate_is_not_valid(expression: str) -> None:
    with pytest.raises(ApiError, match="Parameter ScheduleExpression is not valid"):
        rules.interval(expression)


# Events


async def test_a_rule_sends_the_events_that_its_pattern_matches_to_its_targets(
    service: Service,
) -> None:
    service.now = 1.0
    await service.put_pattern(PATTERN, FUNCTION, TOPIC, GROUP)
    await service.send("Succeeded")
    await service.send(source="aws.ecs")
    await service.send()
    [(function, event, source)] = service.functions.sent
    assert (function, source.service) == (FUNCTION, "events.amazonaws.com")
    assert event == {
        "version": "0",
        "id": event["id"],
        "detail-type": "AppRunner Service Operation Status Change",
        "source": "aws.apprunner",
        "account": "000000000000",
        "time": "1970-01-01T00:00:01Z",
        "region": "us-east-1",
        "resources": [SERVICE],
        "detail": {"operationStatus": "Failed"},
    }
    assert service.topics.published == [(TOPIC, event)]
    assert service.logs.written == [(GROUP, event, 1.0)]


async def test_matches_invocations_and_failures_are_counted_by_rule(service: Service) -> None:
    service.functions.failure = "not allowed"
    await service.put_pattern(PATTERN, FUNCTION, TOPIC)
    await service.put_pattern(PATTERN, name="idle")
    await service.send()
    await service.send()
    await service.send("Succeeded")
    assert service.metrics == {
        ("rule", "MatchedEvents"): 2,
        ("rule", "TriggeredRules"): 2,
        ("rule", "Invocations"): 4,
        ("rule", "FailedInvocations"): 2,
        ("idle", "MatchedEvents"): 2,
    }


async def test_a_schedule_matches_no_events_and_is_counted(service: Service) -> None:
    await service.put()
    await service.number_after(HOUR)
    assert service.metrics == {("rule", "TriggeredRules"): 1, ("rule", "Invocations"): 1}


async def test_a_rule_with_a_pattern_is_described_and_has_no_schedule(service: Service) -> None:
    await service.put_pattern(PATTERN, FUNCTION)
    described = await service.call("DescribeRule", Name="rule")
    assert described["EventPattern"] == PATTERN
    assert "ScheduleExpression" not in described
    assert await service.number_after(HOUR) == 0
    with pytest.raises(ApiError, match="The rule rule has no schedule"):
        await service.api.run_rule({"Name": "rule"})


async def test_a_disabled_rule_matches_nothing(service: Service) -> None:
    await service.put_pattern(PATTERN, FUNCTION)
    await service.call("DisableRule", Name="rule")
    await service.send()
    await service.call("EnableRule", Name="rule")
    assert service.functions.sent == []
    await service.send()
    assert len(service.functions.sent) == 1


async def test_events_keep_their_order(service: Service) -> None:
    await service.put_pattern('{"source": ["app"]}', FUNCTION)
    entries = [
        {"Source": "app", "DetailType": "x", "Detail": json.dumps({"number": number})}
        for number in range(3)
    ]
    answer = await service.call("PutEvents", Entries=entries)
    await service.bus.deliver_waiting()
    assert answer["FailedEntryCount"] == 0
    sent = [event for _, event, _ in service.functions.sent]
    assert [event["detail"]["number"] for event in sent] == [0, 1, 2]
    assert [event["id"] for event in sent] == [each["EventId"] for each in answer["Entries"]]


async def test_entries_that_are_not_valid_fail_alone(service: Service) -> None:
    valid = {"Source": "app", "DetailType": "x", "Detail": "{}"}
    answer = await service.call(
        "PutEvents",
        Entries=[
            valid,
            {**valid, "Source": "aws.ecs"},
            {**valid, "Detail": "[]"},
            {"Source": "app", "Detail": "{}"},
        ],
    )
    assert answer["FailedEntryCount"] == 3
    assert [each.get("ErrorCode") for each in answer["Entries"]] == [
        None,
        "NotAuthorizedForSourceException",
        "MalformedDetail",
        "InvalidArgument",
    ]


async def test_a_pattern_is_tried_with_an_event(service: Service) -> None:
    event = {
        "id": "1",
        "account": "0",
        "source": "app",
        "time": "x",
        "region": "x",
        "resources": [],
        "detail-type": "x",
    }
    for pattern, expected in (('{"source": ["app"]}', True), ('{"source": ["x"]}', False)):
        answer = await service.call(
            "TestEventPattern", EventPattern=pattern, Event=json.dumps(event)
        )
        assert answer == {"Result": expected}
    with pytest.raises(ApiError, match="Parameter Event is not valid"):
        await service.call("TestEventPattern", EventPattern=PATTERN, Event="{}")


async def test_a_rule_needs_a_schedule_or_a_pattern(service: Service) -> None:
    with pytest.raises(ApiError, match="EventPattern or ScheduleExpression must be specified"):
        await service.call("PutRule", Name="rule")
