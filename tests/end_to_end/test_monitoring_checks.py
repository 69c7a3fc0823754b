"""The checks of monitoring pass on a healthy stack, and each fails on its own fault."""

import copy
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from automation.checks.context import Context
from automation.checks.results import Outcome
from automation.deployment import Deployment
from components.settings import Monitoring
from localcloud.cloud import Cloud
from localcloud.console import connect_aura
from localcloud.workspace import STACK
from tests.end_to_end import breakage
from tests.end_to_end.breakage import World, aura, with_settings
from tests.end_to_end.conftest import with_monitoring
from tests.end_to_end.faults import Fault, Faults, expect_failures, failures, run_checks
from tests.end_to_end.recorded_checks import refused_calls, run_recorded
from tests.stand_in import Aws

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

FAULTS = Faults()
fails = FAULTS.fails

_ADDRESS = "oncall@example.com"
_MONITORING = {
    "enabled": True,
    # The canary runs only when a test runs it.
    "canaryMinutes": 60,
    "subscriptions": {"oncall": {"protocol": "email", "endpoint": _ADDRESS}},
}
_THREE_INTERVALS = 3 * 60 * 60
# What PutMetricAlarm takes of what DescribeAlarms returns.
_DEFINITION = (
    "AlarmName",
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "Metrics",
)


@pytest.fixture(scope="module")
def deployed_world(
    running: Cloud, deployed: Deployment, outputs: dict[str, Any], aws: Aws
) -> Iterator[World]:
    """The stack as `make demo` leaves it with monitoring: nobody has confirmed anything."""
    assert outputs
    # Results of earlier canaries on this cloud are too old to count.
    running.control().call("MoveClock", Seconds=_THREE_INTERVALS)
    with with_monitoring(running, deployed, aws, _MONITORING) as world:
        connect_aura(running, world.outputs["auraSso"])
        yield world


@pytest.fixture(scope="module")
def world(deployed_world: World) -> World:
    """The same, once its subscription is confirmed and the canary has run."""
    _confirm(deployed_world)
    _run_canary(deployed_world)
    return deployed_world


def _confirm(world: World) -> None:
    world.running.control().call("ConfirmSubscriptions", TopicArn=world.outputs["alarmTopicArn"])


def _run_canary(world: World) -> dict[str, Any]:
    name = world.context.names.canary_function
    answer = world.aws("lambda").invoke(FunctionName=name, Payload=b"{}")
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, result
    return result


def _alarm(world: World, key: str) -> dict[str, Any]:
    name = world.context.names.alarm(key)
    (found,) = world.aws("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return {member: found[member] for member in _DEFINITION if member in found}


def _arn(world: World, key: str) -> str:
    topic = str(world.outputs["alarmTopicArn"]).split(":")
    name = world.context.names.alarm(key)
    return f"arn:aws:cloudwatch:{topic[3]}:{topic[4]}:alarm:{name}"


@contextmanager
def _changed_alarm(world: World, key: str, **changes: object) -> Iterator[None]:
    cloudwatch, before = world.aws("cloudwatch"), _alarm(world, key)
    cloudwatch.put_metric_alarm(**(before | changes))
    try:
        yield
    finally:
        cloudwatch.put_metric_alarm(**before)


@fails("P6-alarms", reason="there is no alarm neo4j-mcp-local-claims-slow")
@contextmanager
def alarm_deleted(world: World) -> Iterator[None]:
    cloudwatch, before = world.aws("cloudwatch"), _alarm(world, "claims-slow")
    tags = cloudwatch.list_tags_for_resource(ResourceARN=_arn(world, "claims-slow"))["Tags"]
    cloudwatch.delete_alarms(AlarmNames=[before["AlarmName"]])
    try:
        yield
    finally:
        cloudwatch.put_metric_alarm(**before, Tags=tags)


@fails("P6-alarms", reason="neo4j-mcp-local-callers-affected: ActionsEnabled is False")
@contextmanager
def actions_disabled(world: World) -> Iterator[None]:
    cloudwatch, names = world.aws("cloudwatch"), [world.context.names.alarm("callers-affected")]
    cloudwatch.disable_alarm_actions(AlarmNames=names)
    try:
        yield
    finally:
        cloudwatch.enable_alarm_actions(AlarmNames=names)


@fails("P6-alarms", reason="claims-errors: Threshold is 300, and must be 3;")
@contextmanager
def threshold_changed_by_hand(world: World) -> Iterator[None]:
    with _changed_alarm(world, "claims-errors", Threshold=300):
        yield


@fails("P6-alarms", reason="claims-errors: OKActions is None|claims-errors: OKActions is \\[\\]")
@contextmanager
def end_not_notified(world: World) -> Iterator[None]:
    with _changed_alarm(world, "claims-errors", OKActions=[]):
        yield


@fails("P6-alarms", reason="service-errors: Metrics is")
@contextmanager
def metric_math_changed(world: World) -> Iterator[None]:
    metrics = copy.deepcopy(_alarm(world, "service-errors")["Metrics"])
    (expression,) = (each for each in metrics if "Expression" in each)
    used = next(each["Id"] for each in metrics if "MetricStat" in each)
    expression["Expression"] = f"0 * {used}"
    with _changed_alarm(world, "service-errors", Metrics=metrics):
        yield


@fails("P6-alarms", reason="high-cpu: Dimensions is {'ServiceName': '.*'}, and must be")
@contextmanager
def dimension_missing(world: World) -> Iterator[None]:
    name = {"Name": "ServiceName", "Value": world.context.names.service}
    with _changed_alarm(world, "high-cpu", Dimensions=[name]):
        yield


@fails("P6-alarms", reason="high-latency: Threshold is 30000, and must be 20000")
def threshold_not_deployed(world: World) -> Context:
    return _with_monitoring(world, thresholds={"high-latency": 20_000})


@fails("P6-alarms", reason="neo4j-mcp-local-retired is no alarm of this configuration")
@contextmanager
def alarm_left_over(world: World) -> Iterator[None]:
    cloudwatch, name = world.aws("cloudwatch"), world.context.names.alarm("retired")
    tags = [{"Key": "Stack", "Value": STACK}]
    left = _alarm(world, "claims-slow") | {"AlarmName": name, "Tags": tags}
    cloudwatch.put_metric_alarm(**left)
    try:
        yield
    finally:
        cloudwatch.delete_alarms(AlarmNames=[name])


@fails("P6-alarms", reason="mutes the alarms, and wasn't made by a deployment")
@contextmanager
def alarms_muted_by_hand(world: World) -> Iterator[None]:
    cloudwatch, rule = world.aws("cloudwatch"), world.context.names.mute_rule
    since = dt.datetime.now(dt.UTC)
    schedule = {"Expression": f"at({since:%Y-%m-%dT%H:%M})", "Duration": "P1D"}
    cloudwatch.put_alarm_mute_rule(
        Name=rule,
        Rule={"Schedule": schedule},
        MuteTargets={"AlarmNames": [world.context.names.alarm("claims-slow")]},
    )
    try:
        yield
    finally:
        cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName=rule)


@fails("P6-subscriptions", reason="the subscription oncall \\(email\\) of .* is missing")
@contextmanager
def unsubscribed(world: World) -> Iterator[None]:
    sns, topic = world.aws("sns"), world.outputs["alarmTopicArn"]
    (found,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
    try:
        yield
    finally:
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=_ADDRESS)
        _confirm(world)


@fails("P6-subscriptions", reason="the subscription pager \\(https\\) of .* is missing")
def subscription_not_deployed(world: World) -> Context:
    pager = {"protocol": "https", "endpoint": "https://pager.example/hook"}
    return _with_monitoring(world, subscriptions={"pager": pager})


@fails("P6-canary", reason="aws lambda update-function-code --function-name neo4j-mcp-local-canary")
@contextmanager
def canary_changed_behind_the_engines_back(world: World) -> Iterator[None]:
    with breakage.canary_code(world, "total_max_attempts", "max_attempts"):
        yield


@fails("P6-canary", reason="the rule neo4j-mcp-local-canary is DISABLED")
@contextmanager
def canary_off(world: World) -> Iterator[None]:
    events, rule = world.aws("events"), world.context.names.canary_rule
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


@fails("P6-canary", reason="is 'rate\\(1 day\\)', and must be 'rate\\(60 minutes\\)'")
@contextmanager
def schedule_changed_by_hand(world: World) -> Iterator[None]:
    events, rule = world.aws("events"), world.context.names.canary_rule
    found = events.describe_rule(Name=rule)
    before = {key: found[key] for key in ("Name", "ScheduleExpression", "State", "Description")}
    events.put_rule(**(before | {"ScheduleExpression": "rate(1 day)"}))
    try:
        yield
    finally:
        events.put_rule(**before)


@fails("P6-canary", reason="canary doesn't let events.amazonaws.com invoke it")
@contextmanager
def no_permission_to_run_the_canary(world: World) -> Iterator[None]:
    function = world.context.names.canary_function
    with breakage.without_permission(world, function, "AllowSchedule", SourceArn="AWS:SourceArn"):
        yield


@fails("P6-canary", reason="at the hop database \\(Neo.ClientError.Security.Unauthorized\\)")
@contextmanager
def canary_not_in_audience(world: World) -> Iterator[None]:
    known = world.outputs["auraSso"]["audience"]
    with aura(world, audience=[each for each in known if each != world.client_id("canary")]):
        assert not _run_canary(world)["success"]
        yield
    # One in another minute, which the failure isn't part of.
    world.running.control().call("MoveClock", Seconds=60)
    assert _run_canary(world)["success"]


@fails("P6-canary", reason="the canary has had no result for 180 minutes")
@contextmanager
def canary_throttled(world: World) -> Iterator[None]:
    def deployed_earlier(parsed: dict[str, Any]) -> None:
        parsed["LastModified"] = "2026-01-01T00:00:00.000+0000"

    function = world.aws("lambda")
    name = {"FunctionName": world.context.names.canary_function}
    function.put_function_concurrency(**name, ReservedConcurrentExecutions=0)
    try:
        # Its rule runs meanwhile, in vain.
        world.running.control().call("MoveClock", Seconds=_THREE_INTERVALS + 60)
        with breakage.answers(world, "lambda", "GetFunctionConfiguration", deployed_earlier):
            yield
    finally:
        function.delete_function_concurrency(**name)
        _run_canary(world)


@fails("P3-logs", reason="the retention of /aws/lambda/neo4j-mcp-local-canary-.* in days is None")
@contextmanager
def canarys_log_kept_forever(world: World) -> Iterator[None]:
    with breakage.log_kept_forever(world, world.context.names.canary_log_stem):
        yield


@fails("P3-logs", reason="the retention of /aws/lambda/neo4j-mcp-local-logs-.* in days is None")
@contextmanager
def log_functions_log_kept_forever(world: World) -> Iterator[None]:
    with breakage.log_kept_forever(world, world.context.names.log_function_log_stem):
        yield


@fails("P3-logs", reason="the retention of /aws/apprunner/.*/application in days is None")
@contextmanager
def server_log_kept_forever(world: World) -> Iterator[None]:
    service = world.context.names.service
    groups = world.aws("logs").describe_log_groups(logGroupNamePrefix=f"/aws/apprunner/{service}/")
    (name,) = (
        each["logGroupName"]
        for each in groups["logGroups"]
        if each["logGroupName"].endswith("/application")
    )
    with breakage.log_kept_forever(world, name):
        yield


def _with_monitoring(world: World, **changes: object) -> Context:
    values: Mapping[str, object] = {**_MONITORING, **changes}
    return with_settings(world, monitoring=Monitoring.model_validate(values))


def test_right_after_the_deployment_only_the_confirmation_is_missing(
    deployed_world: World,
) -> None:
    results = run_checks(deployed_world.context, "P6-*")

    found = failures(results)
    assert set(found) == {"P6-subscriptions"}
    assert "open the link in the e-mail from AWS Notifications" in found["P6-subscriptions"]
    canary = results["P6-canary"]
    assert canary.outcome is Outcome.SKIPPED
    assert "has no result yet; one is due by" in canary.reason


@pytest.mark.parametrize("phase", ["P2", "P3", "P4", "P6"])
def test_the_checks_pass_on_a_healthy_stack(world: World, phase: str) -> None:
    run = run_recorded(world, f"{phase}-*")
    results = run.results

    assert failures(results) == {}
    # Those of the other phases are in test_checks.py.
    assert refused_calls(world, run) == set()
    skipped = {name for name, each in results.items() if each.outcome is Outcome.SKIPPED}
    assert not skipped & {"P3-logs", "P6-alarms", "P6-canary", "P6-subscriptions"}


@pytest.mark.parametrize(("fault", "names", "reason"), FAULTS.cases)
def test_a_fault_fails_its_checks_only(
    world: World, fault: Fault, names: set[str], reason: str
) -> None:
    expect_failures(world, fault, names, reason)
