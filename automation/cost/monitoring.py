"""Counts what a stack's monitoring uses in a month. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from automation.cost import prices
from automation.cost.schedule import runs_a_month
from automation.cost.usage import MINUTES, Group, Resource, Usage, count, gigabytes, of_type

_RUN_SECONDS: Final = Decimal(2)
# With Lambda's own lines.
_RUN_KILOBYTES: Final = Decimal(1)
_NOTIFICATIONS: Final = Decimal(100)
_CANARY: Final = "neo4j-mcp:monitoring:Canary$"
_CANARY_METRICS: Final = Decimal(2)
_CANARY_CLIENT: Final = "-canary"
_ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
_COMPOSITE: Final = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
_DASHBOARD: Final = "aws:cloudwatch/dashboard:Dashboard"
_FILTER: Final = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
_RULE: Final = "aws:cloudwatch/eventRule:EventRule"
_FUNCTION: Final = "aws:lambda/function:Function"
_CLIENT: Final = "aws:cognito/userPoolClient:UserPoolClient"
_SUBSCRIPTION: Final = "aws:sns/topicSubscription:TopicSubscription"

_usage = partial(Usage, group=Group.MONITORING)


def usages(resources: Sequence[Resource]) -> Iterator[Usage]:
    """Count what alarms, the dashboard, the canary and messages use, whatever callers do."""
    yield from _alarms(resources)
    yield from _metrics(resources)
    runs = canary_runs(resources)
    if runs:
        yield from _canary(resources, runs)
    yield from _subscriptions(resources)


def callers_clients(resources: Sequence[Resource]) -> list[Resource]:
    """Return the app clients of a stack, except the canary's."""
    canary = canary_runs(resources) > 0
    clients = of_type(resources, _CLIENT)
    return [each for each in clients if not (canary and _is_canary_client(each))]


def canary_runs(resources: Sequence[Resource]) -> Decimal:
    """Return how often the canary runs in a month; 0 without one."""
    rules = of_type(resources, _RULE, within=_CANARY)
    return sum((runs_a_month(each.inputs["scheduleExpression"]) for each in rules), Decimal())


def _is_canary_client(client: Resource) -> bool:
    return str(client.inputs["name"]).endswith(_CANARY_CLIENT)


def _alarms(resources: Sequence[Resource]) -> Iterator[Usage]:
    metrics = sum(_metrics_of(each.inputs) for each in of_type(resources, _ALARM))
    yield _usage(
        what="Alarms",
        quantity=Decimal(metrics),
        price=prices.ALARM_METRIC,
        assumes="Each metric that an alarm compares or calculates with",
    )
    yield _usage(
        what="Composite alarms",
        quantity=count(resources, _COMPOSITE),
        price=prices.COMPOSITE_ALARM,
        assumes="All month",
    )
    yield _usage(
        what="Dashboards",
        quantity=count(resources, _DASHBOARD),
        price=prices.DASHBOARD,
        assumes="All month",
    )


def _metrics_of(alarm: Mapping[str, Any]) -> int:
    """Return how many metrics an alarm compares or calculates with."""
    queries = alarm.get("metricQueries") or []
    return sum(1 for each in queries if each.get("metric")) or 1


def _metrics(resources: Sequence[Resource]) -> Iterator[Usage]:
    clients = count(resources, _CLIENT)
    found = Decimal()
    for each in of_type(resources, _FILTER):
        # The metric of a filter with a dimension exists once for each value: each client's id.
        found += clients if each.inputs["metricTransformation"].get("dimensions") else 1
    yield _usage(
        what="Metrics from logs",
        quantity=found,
        price=prices.CUSTOM_METRIC,
        assumes="One for each filter, or for each client",
    )


def _canary(resources: Sequence[Resource], runs: Decimal) -> Iterator[Usage]:
    yield _usage(
        what="Canary: metrics",
        quantity=_CANARY_METRICS,
        price=prices.CUSTOM_METRIC,
        assumes="Success and time",
    )
    yield _usage(
        what="Canary: publishing them",
        quantity=runs,
        price=prices.PUT_METRIC_DATA,
        assumes="Once in each run",
    )
    for function in of_type(resources, _FUNCTION, within=_CANARY):
        megabytes = int(function.inputs["memorySize"])
        yield _usage(
            what="Canary: runs",
            quantity=runs,
            price=prices.INVOCATION,
            assumes="As often as canaryMinutes says",
        )
        yield _usage(
            what="Canary: computing",
            quantity=runs * megabytes / 1024 * _RUN_SECONDS,
            price=prices.GIGABYTE_SECOND,
            assumes=f"{megabytes} MB for {_RUN_SECONDS} s",
        )
        yield _usage(
            what="Canary: log",
            quantity=gigabytes(runs * _RUN_KILOBYTES),
            price=prices.LOG_INGESTION,
            assumes=f"{_RUN_KILOBYTES} KB for each run",
        )
    for client in of_type(resources, _CLIENT):
        if _is_canary_client(client):
            tokens = min(runs, MINUTES / int(client.inputs["accessTokenValidity"]))
            yield _usage(
                what="Canary: app client",
                quantity=Decimal(1),
                price=prices.APP_CLIENT,
                assumes="All month",
            )
            yield _usage(
                what="Canary: tokens",
                quantity=tokens,
                price=prices.TOKEN,
                assumes="A new one when the last expires",
            )
            yield _usage(
                what="Canary: secret",
                quantity=Decimal(1),
                price=prices.SECRET,
                assumes="All month",
            )
            yield _usage(
                what="Canary: reading it",
                quantity=tokens,
                price=prices.SECRET_CALL,
                assumes="Once for each token",
            )


def _subscriptions(resources: Sequence[Resource]) -> Iterator[Usage]:
    protocols = [str(each.inputs["protocol"]) for each in of_type(resources, _SUBSCRIPTION)]
    emails = sum(protocol.startswith("email") for protocol in protocols)
    https = sum(protocol in {"http", "https"} for protocol in protocols)
    assumes = f"{_NOTIFICATIONS} messages to each subscription"
    yield _usage(
        what="E-mails", quantity=emails * _NOTIFICATIONS, price=prices.EMAIL, assumes=assumes
    )
    yield _usage(
        what="Messages by HTTPS",
        quantity=https * _NOTIFICATIONS,
        price=prices.HTTP_DELIVERY,
        assumes=assumes,
    )
