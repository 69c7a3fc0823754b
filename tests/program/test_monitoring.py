"""The resources of a stack with monitoring, on every host."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.hosting.definitions import DEFINITIONS
from components.monitoring.alarms import alarm_keys
from components.settings import Hosting
from tests.components.mocks import ACCOUNT, REGION, Registration, Result
from tests.components.monitoring.test_alarms import DOCUMENTED
from tests.program.conftest import ON_FARGATE, ON_LAMBDA, Deploy

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:neo4j-mcp-dev-alarms"
SUBSCRIPTIONS = {
    "oncall": {"protocol": "email", "endpoint": "oncall@example.com"},
    "pager": {"protocol": "https", "endpoint": "https://events.example.com/key"},
}
_HOSTS: Mapping[Hosting, Mapping[str, str]] = {
    Hosting.APP_RUNNER: {},
    Hosting.FARGATE: ON_FARGATE,
    Hosting.LAMBDA: ON_LAMBDA,
}


@pytest.fixture(params=[*DEFINITIONS])
def hosting(request: pytest.FixtureRequest) -> Hosting:
    return Hosting(request.param)


@pytest.fixture
def result(deploy: Deploy, hosting: Hosting) -> Result:
    return monitored(deploy, _HOSTS[hosting])


def monitored(run: Deploy, changes: Mapping[str, str]) -> Result:
    monitoring = {"enabled": True, "subscriptions": SUBSCRIPTIONS}
    several = {"neo4j-mcp:edge": "true", "neo4j-mcp:maxInstances": "3"}
    return run("dev", {**changes, **several, "neo4j-mcp:monitoring": json.dumps(monitoring)})


def metrics_of(alarm: Registration) -> list[dict[str, Any]]:
    """Return the metrics of an alarm, each with its namespace, name and dimensions."""
    inputs = alarm.inputs
    if "metricName" in inputs:
        return [dict(inputs)]
    return [each["metric"] for each in inputs["metricQueries"] if "metric" in each]


def test_every_metric_has_exactly_the_dimensions_that_aws_publishes(result: Result) -> None:
    for alarm in result.of_type(ALARM):
        for metric in metrics_of(alarm):
            documented = DOCUMENTED[metric["namespace"]][metric["metricName"]]
            dimensions = metric.get("dimensions", {})
            assert set(dimensions) == documented, alarm.name
            assert all(dimensions.values()), alarm.name


def test_every_alarm_of_the_list_is_declared(result: Result, hosting: Hosting) -> None:
    clients = ("canary", "agent", "loader")
    keys = {*alarm_keys([DEFINITIONS[hosting]])} - {"token-runaway"}
    names = {*keys, *(f"token-runaway-{each}" for each in clients)}

    assert {each.inputs["name"] for each in result.of_type(ALARM)} == {
        f"neo4j-mcp-dev-{name}" for name in names
    }


def test_every_alarm_reports_that_it_is_raised_and_that_it_ends(result: Result) -> None:
    composite = result.of_type("aws:cloudwatch/compositeAlarm:CompositeAlarm")
    for alarm in (*result.of_type(ALARM), *composite):
        assert alarm.inputs["alarmActions"] == [TOPIC], alarm.name
        assert alarm.inputs["okActions"] == [TOPIC], alarm.name
        assert "Runbook: docs/runbook.md#" in alarm.inputs["alarmDescription"]


def test_callers_are_affected_by_the_alarms_that_say_so(result: Result, hosting: Hosting) -> None:
    rule = result.one("aws:cloudwatch/compositeAlarm:CompositeAlarm").inputs["alarmRule"]
    keys = ["canary-failing", "claims-errors", "claims-throttles", "service-errors"]
    keys += ["service-throttled"] if hosting is Hosting.LAMBDA else []
    assert rule == " OR ".join(f'ALARM("neo4j-mcp-dev-{key}")' for key in keys)


def test_a_runaway_clients_alarm_names_it_and_its_id(result: Result) -> None:
    alarm = result.one(ALARM, "token-runaway-loader")
    assert alarm.inputs["name"] == "neo4j-mcp-dev-token-runaway-loader"
    (metric,) = (each["metric"] for each in alarm.inputs["metricQueries"] if "metric" in each)
    assert metric["dimensions"] == {"Client": "id-of-neo4j-mcp-dev-loader"}
    last = alarm.inputs["alarmDescription"].splitlines()[-1]
    assert last == "Client: loader, whose id is id-of-neo4j-mcp-dev-loader"


def test_only_the_stacks_alarms_and_rule_may_publish(result: Result) -> None:
    policy = json.loads(result.one("aws:sns/topicPolicy:TopicPolicy").inputs["policy"])
    found = {
        each["Principal"]["Service"]: each["Condition"]["ArnLike"]["aws:SourceArn"]
        for each in policy["Statement"]
        if each["Action"] == "sns:Publish" and each["Resource"] == TOPIC
    }
    assert found == {
        "cloudwatch.amazonaws.com": (
            f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:neo4j-mcp-dev-*"
        ),
        "events.amazonaws.com": (
            f"arn:aws:events:{REGION}:{ACCOUNT}:rule/neo4j-mcp-dev-deployment-failed"
        ),
    }


def test_a_subscribed_url_is_a_secret_and_an_address_is_not(result: Result) -> None:
    kind = "aws:sns/topicSubscription:TopicSubscription"
    pager, oncall = result.one(kind, "pager"), result.one(kind, "oncall")
    assert pager.inputs["endpoint"] == "https://events.example.com/key"
    assert pager.secret_inputs == {"endpoint"}
    assert (oncall.inputs["protocol"], oncall.secret_inputs) == ("email", frozenset())


def test_events_of_a_failed_deployment_reach_the_topic(result: Result, hosting: Hosting) -> None:
    rules = [
        each
        for each in result.of_type("aws:cloudwatch/eventRule:EventRule")
        if "eventPattern" in each.inputs
    ]
    if hosting is Hosting.LAMBDA:
        assert rules == []
        return
    (rule,) = rules
    pattern = json.loads(rule.inputs["eventPattern"])
    (service,) = pattern["resources"]
    assert service.startswith(f"arn:aws:{'apprunner' if hosting is Hosting.APP_RUNNER else 'ecs'}:")
    target = result.one("aws:cloudwatch/eventTarget:EventTarget", "failed-deployments")
    assert target.inputs["arn"] == TOPIC


def test_the_dashboard_has_a_graph_for_each_alarm_with_its_threshold(result: Result) -> None:
    body = json.loads(result.one("aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"])
    graphs = [each["properties"] for each in body["widgets"] if each["type"] == "metric"]
    thresholds = {
        graph["title"]: graph["annotations"]["horizontal"][0]["value"]
        for graph in graphs
        if "annotations" in graph
    }
    for alarm in result.of_type(ALARM):
        key = alarm.inputs["name"].removeprefix("neo4j-mcp-dev-")
        if key.startswith("token-runaway-"):
            assert thresholds["Tokens by client, per hour"] == alarm.inputs["threshold"]
        else:
            (title,) = [each for each in thresholds if each.endswith(f"({key})")]
            assert thresholds[title] == alarm.inputs["threshold"]
    (status,) = [each["properties"] for each in body["widgets"] if each["type"] == "alarm"]
    assert len(status["alarms"]) == len(result.of_type(ALARM)) + 1


def test_the_dashboards_widgets_do_not_overlap(result: Result) -> None:
    body = json.loads(result.one("aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"])
    cells = [
        (x, y)
        for each in body["widgets"]
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_in_another_region_the_edges_alarm_and_its_topic_are_where_its_metrics_are(
    deploy: Deploy,
) -> None:
    elsewhere = monitored(deploy, {"aws:region": "eu-west-1"})
    regions = {each.name: each.inputs.get("region") for each in elsewhere.of_type(ALARM)}
    assert {name for name, region in regions.items() if region} == {"monitoring-edge-errors"}
    topics = {
        each.name: each.inputs.get("region") for each in elsewhere.of_type("aws:sns/topic:Topic")
    }
    assert topics == {"monitoring-topic": None, "monitoring-edge-topic": "us-east-1"}


def test_without_monitoring_there_is_nothing_of_it(deploy: Deploy, hosting: Hosting) -> None:
    types = {each.type for each in deploy("dev", _HOSTS[hosting]).registrations}
    assert {
        each for each in types if each.startswith(("aws:sns/", "neo4j-mcp:monitoring:"))
    } == set()
    assert not types & {ALARM, "aws:cloudwatch/logMetricFilter:LogMetricFilter"}
