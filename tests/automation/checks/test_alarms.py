"""The check of the alarms, with CloudWatch's answers made up."""

import copy
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from automation.checks import CHECKS, runner
from automation.checks.results import Outcome, Result
from automation.muting import MUTED, muting
from components.monitoring.alarm import Alarm, Metric
from components.monitoring.alarms import stack_alarms
from components.settings import StackSettings
from tests.automation.checks.fake_aws import Answer, AnsweredStack, error
from tests.components.parsing import parse

REGION, EDGE_REGION = "eu-west-1", "us-east-1"
PREFIX = "neo4j-mcp-dev-"
TOPIC = f"arn:aws:sns:{REGION}:111122223333:{PREFIX}alarms"
EDGE_TOPIC = f"arn:aws:sns:{EDGE_REGION}:111122223333:{PREFIX}alarms"
COMPOSITE = f"{PREFIX}callers-affected"
# An alarm on a percentile, one on a metric, and one with metric math.
SLOW = f"{PREFIX}claims-slow"
FAILING = f"{PREFIX}canary-failing"
ERRORS = f"{PREFIX}edge-errors"
RULE = f"{PREFIX}deployment"

Found = dict[str, dict[str, dict[str, Any]]]
"""Alarms as CloudWatch describes them, by region and name."""


def _settings(**monitoring: object) -> StackSettings:
    return parse(
        {
            "neo4jUri": "neo4j+s://a.databases.neo4j.io",
            "clients": {"agent": {"scopes": ["reader"]}},
            "edge": True,
            "monitoring": {"enabled": True, **monitoring},
        }
    )


SETTINGS = _settings()


def _healthy() -> Found:
    """Return the alarms as Pulumi's provider creates them."""
    found: Found = {REGION: {}, EDGE_REGION: {}}
    affecting = []
    for alarm in stack_alarms(SETTINGS, "neo4j-mcp-dev"):
        name = PREFIX + alarm.name
        region, topic = (EDGE_REGION, EDGE_TOPIC) if name == ERRORS else (REGION, TOPIC)
        found[region][name] = {
            **_common(region, name, topic),
            "ComparisonOperator": str(alarm.comparison),
            "Threshold": float(alarm.threshold),
            "EvaluationPeriods": alarm.evaluation_periods,
            "DatapointsToAlarm": alarm.datapoints_to_alarm,
            "TreatMissingData": str(alarm.missing_data),
            **(_math(alarm) if alarm.expression else _single(alarm)),
        }
        if alarm.affects_callers:
            affecting.append(f'ALARM("{name}")')
    rule = {"AlarmRule": " OR ".join(affecting)}
    found[REGION][COMPOSITE] = {**_common(REGION, COMPOSITE, TOPIC), **rule}
    return found


def _common(region: str, name: str, topic: str) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:{region}:111122223333:alarm:{name}",
        "StateValue": "OK",
        "ActionsEnabled": True,
        "AlarmActions": [topic],
        "OKActions": [topic],
    }


def _dimensions(metric: Metric) -> list[dict[str, str]]:
    # The subject is as good as any name.
    return [{"Name": name, "Value": value} for name, value in _deployed(metric).items()]


def _deployed(metric: Metric) -> dict[str, str]:
    return {"First": str(metric.subject), "Second": "2"}


def _state() -> dict[str, Any]:
    """Return the stack's state, with the alarms' dimensions as Pulumi writes them."""
    resources: list[dict[str, Any]] = [{"type": "aws:sns/topic:Topic", "id": TOPIC, "outputs": {}}]
    for alarm in stack_alarms(SETTINGS, "neo4j-mcp-dev"):
        if alarm.expression is None:
            outputs: dict[str, Any] = {"dimensions": _deployed(alarm.metrics[0])}
        else:
            queries = [
                {"id": each.id, "metric": {"dimensions": _deployed(each)}} for each in alarm.metrics
            ]
            result = {"id": "result", "expression": alarm.expression}
            outputs = {"metricQueries": [result, *queries]}
        kind = "aws:cloudwatch/metricAlarm:MetricAlarm"
        resources.append({"type": kind, "id": PREFIX + alarm.name, "outputs": outputs})
        replaced = {"dimensions": {"First": "of the alarm that is being replaced"}}
        resources.append({**resources[-1], "outputs": replaced, "delete": True})
    return {"resources": resources}


def _single(alarm: Alarm) -> dict[str, Any]:
    (metric,) = alarm.metrics
    statistic = "ExtendedStatistic" if metric.statistic in {"p90", "p99"} else "Statistic"
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": _dimensions(metric),
        "Period": alarm.period,
        statistic: metric.statistic,
    }


def _math(alarm: Alarm) -> dict[str, Any]:
    queries: list[dict[str, Any]] = [
        {
            "Id": each.id,
            "MetricStat": {
                "Metric": {
                    "Namespace": each.namespace,
                    "MetricName": each.name,
                    "Dimensions": _dimensions(each),
                },
                "Period": alarm.period,
                "Stat": each.statistic,
            },
            "ReturnData": False,
        }
        for each in alarm.metrics
    ]
    return {
        "Metrics": [*queries, {"Id": "result", "Expression": alarm.expression, "ReturnData": True}]
    }


def _run(
    found: Found,
    *,
    settings: StackSettings = SETTINGS,
    mute: Answer | None = None,
    stacks: Mapping[str, str] = MappingProxyType({}),
) -> Result:
    """Run the check.

    Args:
        found: the alarms.
        settings: the configuration.
        mute: the answer about the mute rule; without it, there is none.
        stacks: the values of the tag Stack of the alarms that aren't expected.
    """

    def describe(region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        matching = [
            each
            for name, each in found[region].items()
            if name.startswith(parameters["AlarmNamePrefix"])
        ]
        # Two on a page, so that the next pages count.
        start = int(parameters.get("NextToken", "0"))
        page, end = matching[start : start + 2], start + 2
        return {
            "MetricAlarms": [each for each in page if "AlarmRule" not in each],
            "CompositeAlarms": [each for each in page if "AlarmRule" in each],
            **({"NextToken": str(end)} if end < len(matching) else {}),
        }

    def list_tags(_region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        name = parameters["ResourceARN"].rpartition(":")[2]
        return {"Tags": [{"Key": "Stack", "Value": stacks[name]}]}

    answers: dict[str, Answer] = {
        "DescribeAlarms": describe,
        "ListTagsForResource": list_tags,
        "GetAlarmMuteRule": mute or (lambda _region, _: error("ResourceNotFoundException")),
    }
    stack = AnsweredStack(
        answers,
        settings=settings,
        outputs={"alarmTopicArn": TOPIC},
        region=REGION,
        state=_state(),
    )
    return runner.run_one(CHECKS["P6-alarms"], stack)


def test_the_alarms_as_they_are_deployed_pass() -> None:
    result = _run(_healthy())

    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
    asked = "".join(each.request for each in result.evidence)
    assert "describe_alarms" in asked


def test_without_monitoring_there_is_nothing_to_check() -> None:
    result = _run(_healthy(), settings=_settings(enabled=False))

    assert result.outcome is Outcome.SKIPPED
    assert result.reason == "this stack has no monitoring (monitoring.enabled: false)"


def test_monitoring_that_is_not_deployed_yet_fails() -> None:
    stack = AnsweredStack({}, settings=SETTINGS, outputs={}, region=REGION)

    result = runner.run_one(CHECKS["P6-alarms"], stack)

    assert result.outcome is Outcome.FAILED
    assert "Run: python -m automation deploy --stack dev" in result.reason


def test_a_missing_alarm_fails_whichever_it_is() -> None:
    places = [(region, name) for region, alarms in _healthy().items() for name in alarms]
    assert len(places) > 15
    for region, name in places:
        found = _healthy()
        del found[region][name]

        result = _run(found)

        assert result.outcome is Outcome.FAILED
        assert result.reason == (
            f"there is no alarm {name}; to restore what is configured, run: pulumi up --refresh"
            " --stack dev"
        )


def _changes() -> Iterator[tuple[str, str, object]]:
    for name in (FAILING, SLOW, ERRORS, COMPOSITE):
        yield name, "ActionsEnabled", False
        yield name, "AlarmActions", []
        yield name, "OKActions", [f"{TOPIC}-of-another"]
    for name in (FAILING, SLOW, ERRORS):
        yield name, "ComparisonOperator", "LessThanOrEqualToThreshold"
        yield name, "Threshold", 0.5
        yield name, "EvaluationPeriods", 9
        yield name, "DatapointsToAlarm", 9
        yield name, "TreatMissingData", "ignore"
    for name in (FAILING, SLOW):
        yield name, "Namespace", "Elsewhere"
        yield name, "MetricName", "Another"
        yield name, "Dimensions", [{"Name": "First", "Value": "another"}]
        yield name, "Period", 60
    yield FAILING, "Statistic", "Maximum"
    yield SLOW, "ExtendedStatistic", "p50"
    yield COMPOSITE, "AlarmRule", f'ALARM("{FAILING}")'


@pytest.mark.parametrize(("name", "member", "value"), list(_changes()))
def test_a_changed_alarm_fails(name: str, member: str, value: object) -> None:
    found = _healthy()
    region = EDGE_REGION if name == ERRORS else REGION
    found[region][name][member] = value

    result = _run(found)

    assert result.outcome is Outcome.FAILED
    shown = {"First": "another"} if member == "Dimensions" else value
    assert result.reason.startswith(f"{name}: {member} is {shown!r}, and must be ")


@pytest.mark.parametrize(
    "change",
    [
        lambda queries: queries[-1].update(Expression="rate"),
        lambda queries: queries[0]["MetricStat"].update(Stat="Maximum"),
        lambda queries: queries[0]["MetricStat"].update(Period=60),
        lambda queries: queries[1]["MetricStat"]["Metric"].update(MetricName="BytesUploaded"),
        lambda queries: queries[1]["MetricStat"]["Metric"]["Dimensions"].pop(),
        lambda queries: queries.pop(0),
    ],
)
def test_changed_metric_math_fails(change: Callable[[list[dict[str, Any]]], object]) -> None:
    found = _healthy()
    change(found[EDGE_REGION][ERRORS]["Metrics"])

    result = _run(found)

    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith(f"{ERRORS}: Metrics is ")


def test_metric_math_and_dimensions_in_another_order_pass() -> None:
    found = _healthy()
    found[EDGE_REGION][ERRORS]["Metrics"].reverse()
    found[REGION][FAILING]["Dimensions"].reverse()

    assert _run(found).outcome is Outcome.PASSED


def test_all_differences_are_reported_at_once() -> None:
    found = _healthy()
    found[REGION][FAILING].update(ActionsEnabled=False, Threshold=2.0)
    del found[EDGE_REGION][ERRORS]

    reason = _run(found).reason

    assert f"{FAILING}: ActionsEnabled is False" in reason
    assert f"{FAILING}: Threshold is 2, and must be 1" in reason
    assert f"there is no alarm {ERRORS}" in reason


def test_a_configured_threshold_counts() -> None:
    settings = _settings(thresholds={"claims-slow": 2000})

    result = _run(_healthy(), settings=settings)

    assert f"{SLOW}: Threshold is 3000, and must be 2000" in result.reason


def test_an_alarm_that_the_stack_no_longer_defines_fails() -> None:
    found = _healthy()
    found[REGION][f"{PREFIX}old"] = _common(REGION, f"{PREFIX}old", TOPIC)

    result = _run(found, stacks={f"{PREFIX}old": "dev"})

    assert result.outcome is Outcome.FAILED
    assert result.reason == (
        f"{PREFIX}old is no alarm of this configuration; to delete it, run: aws cloudwatch"
        f" delete-alarms --region {REGION} --alarm-names {PREFIX}old"
    )


def test_an_alarm_of_a_stack_with_a_longer_name_is_not_reported() -> None:
    found, name = _healthy(), f"{PREFIX}eu-canary-failing"
    found[REGION][name] = _common(REGION, name, TOPIC)

    assert _run(found, stacks={name: "dev-eu"}).outcome is Outcome.PASSED


def _mute_rule(since: dt.datetime) -> dict[str, Any]:
    """Return the mute rule of a deployment that began at a time."""
    written: dict[str, Any] = {}

    def aws(_service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
        if operation == "put_alarm_mute_rule":
            written.update(copy.deepcopy(parameters))
        return {"Status": "ACTIVE"}

    arn = f"arn:aws:cloudwatch:{REGION}:111122223333:alarm:{FAILING}"
    alarm = {
        "type": "aws:cloudwatch/metricAlarm:MetricAlarm",
        "id": FAILING,
        "outputs": {"arn": arn},
    }
    state = {"resources": [alarm]}
    with muting(state, RULE, lambda _: aws, lambda _: None, lambda: since) as mute:
        mute()
        return {**written, "Status": "ACTIVE"}


def test_a_deployment_may_mute_the_alarms() -> None:
    rule = _mute_rule(dt.datetime.now(dt.UTC))

    result = _run(_healthy(), mute=lambda _region, _: rule)

    assert result.outcome is Outcome.PASSED
    noted = "".join(each.response for each in result.evidence)
    assert "A deployment mutes the alarms until" in noted


def _scheduled(**schedule: str) -> dict[str, Any]:
    rule = _mute_rule(dt.datetime.now(dt.UTC))
    rule["Rule"]["Schedule"].update(schedule)
    return rule


@pytest.mark.parametrize(
    "rule",
    [
        _scheduled(Duration="P15D"),
        _scheduled(Expression="cron(0 2 * * *)"),
        _scheduled(Timezone="Europe/Berlin"),
        _mute_rule(dt.datetime.now(dt.UTC) + 24 * MUTED),
    ],
)
def test_alarms_that_stay_muted_fail(rule: dict[str, Any]) -> None:
    result = _run(_healthy(), mute=lambda _region, _: rule)

    assert result.outcome is Outcome.FAILED
    assert f"the rule {RULE} mutes the alarms, and wasn't made by a deployment" in result.reason
    assert (
        f"delete-alarm-mute-rule --region {REGION} --alarm-mute-rule-name {RULE}" in result.reason
    )


def test_a_mute_rule_that_has_ended_passes() -> None:
    rule = _scheduled(Duration="P15D") | {"Status": "EXPIRED"}

    assert _run(_healthy(), mute=lambda _region, _: rule).outcome is Outcome.PASSED
