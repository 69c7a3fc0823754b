"""The alarms as data: only metrics that AWS has, and nothing that CloudWatch refuses."""

import re
from collections.abc import Mapping

import pytest

from components.hosting.definitions import DEFINITIONS
from components.monitoring.alarm import (
    LONGEST_DESCRIPTION,
    Alarm,
    Metric,
    MissingData,
    Severity,
    Subject,
)
from components.monitoring.alarms import stack_alarms
from components.settings import Hosting
from tests.components.conftest import MakeSettings

SERVICE = "neo4j-mcp-dev"
_LAMBDA = frozenset({"FunctionName"})
_APP_RUNNER = frozenset({"ServiceName", "ServiceID"})
_BALANCER = frozenset({"LoadBalancer"})
_ECS = frozenset({"ClusterName", "ServiceName"})
# Metric names, and the dimensions with which AWS publishes them, from the services' documentation:
# "Types of metrics for Lambda functions" and "Monitoring Lambda function URLs", "Viewing App Runner
# service metrics reported to CloudWatch", "CloudWatch metrics for your Application Load Balancer",
# "Amazon ECS CloudWatch metrics", "Types of metrics for CloudFront", "Monitoring Amazon
# EventBridge". An alarm on a metric that isn't here never fires.
DOCUMENTED: Mapping[str, Mapping[str, frozenset[str]]] = {
    "AWS/Lambda": dict.fromkeys(
        (
            *("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"),
            *("UrlRequestCount", "Url4xxCount", "Url5xxCount", "UrlRequestLatency"),
        ),
        _LAMBDA,
    ),
    "AWS/AppRunner": dict.fromkeys(
        (
            *("Requests", "2xxStatusResponses", "4xxStatusResponses", "5xxStatusResponses"),
            *("RequestLatency", "ActiveInstances", "Concurrency"),
            *("CPUUtilization", "MemoryUtilization"),
        ),
        _APP_RUNNER,
    ),
    "AWS/ApplicationELB": {
        **dict.fromkeys(
            (
                *("RequestCount", "TargetResponseTime"),
                *("HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"),
            ),
            _BALANCER,
        ),
        "HealthyHostCount": _BALANCER | {"TargetGroup"},
    },
    "AWS/ECS": dict.fromkeys(("CPUUtilization", "MemoryUtilization"), _ECS),
    "AWS/CloudFront": dict.fromkeys(
        ("Requests", "5xxErrorRate"), frozenset({"DistributionId", "Region"})
    ),
    "AWS/Events": {"TriggeredRules": frozenset({"RuleName"})},
    "Neo4jMcp": dict.fromkeys(("CanarySuccess", "CanaryLatency"), frozenset({"Service"})),
    f"Neo4jMcp/{SERVICE}": {
        "FailedToolCalls": frozenset(),
        "TokensIssued": frozenset({"Client"}),
    },
}
_ON = {"enabled": True}


@pytest.fixture(params=[*DEFINITIONS])
def alarms(request: pytest.FixtureRequest, make_settings: MakeSettings) -> tuple[Alarm, ...]:
    return alarms_on(make_settings, request.param)


def alarms_on(make_settings: MakeSettings, hosting: Hosting, **values: object) -> tuple[Alarm, ...]:
    settings = make_settings(hosting=hosting.value, edge=True, monitoring=_ON, **values)
    return tuple(stack_alarms(settings, SERVICE))


def test_every_metric_is_one_that_aws_documents(alarms: tuple[Alarm, ...]) -> None:
    unknown = [
        (metric.namespace, metric.name)
        for alarm in alarms
        for metric in alarm.metrics
        if metric.name not in DOCUMENTED.get(metric.namespace, {})
    ]
    assert unknown == []


def test_the_keys_are_distinct_and_can_be_anchors(alarms: tuple[Alarm, ...]) -> None:
    names = [each.name for each in alarms]
    assert len(set(names)) == len(names)
    keys = [each.key for each in alarms]
    assert [key for key in keys if not re.fullmatch(r"[a-z]+(-[a-z]+)*", key)] == []


def test_every_message_fits_and_names_its_section_in_the_runbook(
    alarms: tuple[Alarm, ...],
) -> None:
    for each in alarms:
        assert len(each.description) <= LONGEST_DESCRIPTION, each.key
        assert each.description.endswith(f"Runbook: docs/runbook.md#{each.key}")
        assert each.description.startswith(f"[{each.severity}] ")
        assert f"{each.threshold:g}" in each.description


# Source: "Evaluating an alarm" and PutMetricAlarm in the Amazon CloudWatch documentation: at most a
# day, and periods of minutes.
def test_cloudwatch_accepts_the_periods(alarms: tuple[Alarm, ...]) -> None:
    for each in alarms:
        assert each.period % 60 == 0
        assert each.period * each.evaluation_periods <= 24 * 60 * 60
        assert 1 <= each.datapoints_to_alarm <= each.evaluation_periods


def test_an_expression_uses_exactly_its_metrics(alarms: tuple[Alarm, ...]) -> None:
    for each in alarms:
        if each.expression is None:
            assert len(each.metrics) == 1, each.key
            continue
        words = set(re.findall(r"[a-z]\w*", each.expression))
        assert words == {metric.id for metric in each.metrics}, each.key


def test_what_pages_with_the_other_alarms_pages_alone_too(alarms: tuple[Alarm, ...]) -> None:
    assert {each.severity for each in alarms if each.affects_callers} == {Severity.PAGE}


def test_only_what_must_always_report_is_raised_without_data(alarms: tuple[Alarm, ...]) -> None:
    breaching = {each.key for each in alarms if each.missing_data is MissingData.BREACHING}
    assert breaching == {"canary-failing", "rotation-stuck"}


@pytest.mark.parametrize(
    ("hosting", "own"),
    [
        (
            Hosting.APP_RUNNER,
            {"instances-at-maximum", "high-cpu", "high-memory", "deployment-failed"},
        ),
        (
            Hosting.FARGATE,
            {"instances-at-maximum", "high-cpu", "high-memory", "deployment-failed"},
        ),
        (Hosting.LAMBDA, {"service-throttled", "instances-at-maximum"}),
    ],
)
def test_every_host_has_the_alarms_that_it_has_metrics_for(
    make_settings: MakeSettings, hosting: Hosting, own: set[str]
) -> None:
    serving = {"serviceDomain": _DOMAIN} if hosting is Hosting.FARGATE else {}
    found = {each.key for each in alarms_on(make_settings, hosting, **serving)}
    assert found == own | {
        "canary-failing",
        "claims-errors",
        "claims-throttles",
        "claims-slow",
        "token-runaway",
        "edge-errors",
        "service-errors",
        "high-latency",
        "failed-tool-calls",
        "rotation-failed",
        "rotation-stuck",
    }


_DOMAIN = {
    "name": "mcp.example.com",
    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0-1",
}


def test_without_an_edge_there_is_no_alarm_of_it(make_settings: MakeSettings) -> None:
    settings = make_settings(monitoring=_ON)
    assert "edge-errors" not in {each.key for each in stack_alarms(settings, SERVICE)}


def test_a_service_with_one_instance_is_not_at_its_maximum_all_the_time(
    make_settings: MakeSettings,
) -> None:
    keys = {each.key for each in alarms_on(make_settings, Hosting.APP_RUNNER, maxInstances=1)}
    assert "instances-at-maximum" not in keys


def test_the_maximum_of_instances_and_the_canarys_interval_are_those_configured(
    make_settings: MakeSettings,
) -> None:
    settings = make_settings(maxInstances=7, monitoring={"enabled": True, "canaryMinutes": 10})
    found = {each.key: each for each in stack_alarms(settings, SERVICE)}
    assert found["instances-at-maximum"].threshold == 7
    assert found["canary-failing"].period == 600


def test_a_configured_threshold_replaces_the_default(make_settings: MakeSettings) -> None:
    monitoring = {"enabled": True, "thresholds": {"token-runaway": 9}}
    found = {
        each.key: each.threshold
        for each in stack_alarms(make_settings(monitoring=monitoring), SERVICE)
    }
    default = {
        each.key: each.threshold for each in stack_alarms(make_settings(monitoring=_ON), SERVICE)
    }
    assert found == {**default, "token-runaway": 9}


def test_a_percentile_is_recognized() -> None:
    metric = Metric(namespace="n", name="m", statistic="p99", subject=Subject.SERVICE)
    assert metric.is_percentile
    assert not Metric(namespace="n", name="m", statistic="Sum", subject=Subject.EDGE).is_percentile
