"""What a stack's monitoring costs in a month."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from automation.cost import monitoring
from automation.cost.usage import Resource, Usage

STACK = "neo4j-mcp:monitoring:Monitoring"
CANARY = f"{STACK}$neo4j-mcp:monitoring:Canary"


def _resource(types: str, **inputs: object) -> Resource:
    return Resource.of(f"urn:pulumi:dev::neo4j-mcp::{types}::name", inputs)


def _alarm(**inputs: object) -> Resource:
    return _resource(f"{STACK}$aws:cloudwatch/metricAlarm:MetricAlarm", **inputs)


def _filter(transformation: Mapping[str, Any]) -> Resource:
    kind = f"{STACK}$aws:cloudwatch/logMetricFilter:LogMetricFilter"
    return _resource(kind, metricTransformation=transformation)


def _client(name: str, minutes: int) -> Resource:
    kind = "neo4j-mcp:identity:Identity$aws:cognito/userPoolClient:UserPoolClient"
    return _resource(kind, name=name, accessTokenValidity=minutes)


def _subscription(protocol: str) -> Resource:
    return _resource(f"{STACK}$aws:sns/topicSubscription:TopicSubscription", protocol=protocol)


def _canary(schedule: str, megabytes: int = 256) -> list[Resource]:
    return [
        _resource(f"{CANARY}$aws:cloudwatch/eventRule:EventRule", scheduleExpression=schedule),
        _resource(f"{CANARY}$aws:lambda/function:Function", memorySize=megabytes),
    ]


def _used(*resources: Resource) -> dict[str, Usage]:
    return {each.what: each for each in monitoring.usages(resources) if each.quantity}


def _quantities(*resources: Resource) -> dict[str, Decimal]:
    return {what: each.quantity for what, each in _used(*resources).items()}


def test_a_stack_without_monitoring_uses_nothing() -> None:
    others = [
        _client("neo4j-mcp-dev-agent", 60),
        _resource("aws:cloudwatch/eventRule:EventRule", scheduleExpression="rate(1 hour)"),
        _resource("aws:lambda/function:Function", memorySize=128),
    ]

    assert _used(*others) == {}


def test_an_alarm_pays_for_each_of_its_metrics() -> None:
    plain = _alarm(metricName="Errors")
    math = _alarm(
        metricQueries=[
            {"id": "ratio", "expression": "m1/m2"},
            {"id": "m1", "metric": {"metricName": "Errors"}},
            {"id": "m2", "metric": {"metricName": "Requests"}},
        ]
    )

    alarms = _used(plain, math)["Alarms"]

    assert alarms.quantity == 3
    assert alarms.price.of(alarms.quantity) == Decimal("0.30")


def test_composite_alarms_and_dashboards_have_their_own_prices() -> None:
    composite = _resource(f"{STACK}$aws:cloudwatch/compositeAlarm:CompositeAlarm")
    dashboard = _resource(f"{STACK}$aws:cloudwatch/dashboard:Dashboard")

    used = _used(composite, dashboard).values()

    assert sum(each.price.of(each.quantity) for each in used) == Decimal("3.50")


def test_a_metric_with_a_dimension_exists_once_for_each_client() -> None:
    clients = [_client("neo4j-mcp-dev-agent", 60), _client("neo4j-mcp-dev-other", 60)]
    plain = _filter({"name": "FailedToolCalls"})
    by_client = _filter({"name": "TokensIssued", "dimensions": {"Client": "$.aud"}})

    assert _quantities(plain, by_client, *clients) == {"Metrics from logs": 3}


def test_the_canary_costs_what_its_interval_and_its_tokens_make() -> None:
    found = _quantities(*_canary("rate(5 minutes)"), _client("neo4j-mcp-dev-canary", 60))

    assert found["Canary: runs"] == 8760
    # 256 MB for two seconds.
    assert found["Canary: computing"] == 4380
    assert found["Canary: tokens"] == 730
    assert found["Canary: metrics"] == 2


def test_a_canary_takes_no_more_tokens_than_it_runs() -> None:
    found = _quantities(*_canary("rate(1 hour)"), _client("neo4j-mcp-dev-canary", 5))

    assert found["Canary: tokens"] == found["Canary: runs"] == 730


def test_an_unknown_schedule_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a rate"):
        _used(*_canary("cron(0 * * * ? *)"))


def test_messages_to_functions_and_queues_are_free() -> None:
    found = _quantities(*map(_subscription, ("email", "https", "lambda", "sqs")))

    assert set(found) == {"E-mails", "Messages by HTTPS"}


def test_only_with_a_canary_is_a_client_of_its_name_the_canarys() -> None:
    clients = [_client("neo4j-mcp-dev-agent", 60), _client("neo4j-mcp-dev-canary", 60)]

    assert monitoring.callers_clients(clients) == clients
    assert monitoring.callers_clients([*clients, *_canary("rate(5 minutes)")]) == clients[:1]
