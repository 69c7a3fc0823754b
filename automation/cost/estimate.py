"""Counts what a stack's monitoring uses in a month. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from automation.cost import prices
from automation.cost.prices import Price

_MINUTES: Final = Decimal(730 * 60)
"""Of a month, as AWS counts them."""
_RUN_SECONDS: Final = Decimal(2)
"""Of a run of the canary."""
_RUN_LOG_GIGABYTES: Final = Decimal("0.000001")
"""Of a run of the canary, with Lambda's own lines."""
_NOTIFICATIONS: Final = Decimal(100)
"""A month, to each subscription."""
_CANARY: Final = "neo4j-mcp:monitoring:Canary$"
_CANARY_METRICS: Final = Decimal(2)
_CANARY_CLIENT: Final = "-canary"
_RATE: Final = re.compile(r"rate\((\d+) (minute|hour)s?\)")
_MINUTES_OF: Final = {"minute": 1, "hour": 60}
_ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
_COMPOSITE: Final = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
_DASHBOARD: Final = "aws:cloudwatch/dashboard:Dashboard"
_FILTER: Final = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
_RULE: Final = "aws:cloudwatch/eventRule:EventRule"
_FUNCTION: Final = "aws:lambda/function:Function"
_CLIENT: Final = "aws:cognito/userPoolClient:UserPoolClient"
_SUBSCRIPTION: Final = "aws:sns/topicSubscription:TopicSubscription"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource of a stack, deployed or planned.

    Attributes:
        types: its type, after those of its parents, each with a $ between.
        inputs: its inputs.
    """

    types: str
    inputs: Mapping[str, Any]

    @classmethod
    def of(cls, urn: str, inputs: Mapping[str, Any]) -> "Resource":
        """Make one from its URN."""
        return cls(types=urn.split("::")[2], inputs=inputs)

    @property
    def type(self) -> str:
        """The resource's own type."""
        return self.types.rpartition("$")[2]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of an estimate.

    Attributes:
        what: what is used.
        quantity: how much of it in a month, in the price's units.
    """

    what: str
    quantity: Decimal
    price: Price

    @property
    def usd(self) -> Decimal:
        """What it costs in a month."""
        return self.price.of(self.quantity)


def estimate(resources: Iterable[Resource]) -> tuple[Line, ...]:
    """Estimate a month of a stack's monitoring; nothing if the stack has none."""
    every = tuple(resources)
    lines = (*_alarms(every), *_metrics(every), *_canary(every), *_subscriptions(every))
    return tuple(line for line in lines if line.quantity)


def total(lines: Iterable[Line]) -> Decimal:
    """Return what the lines of an estimate cost together, in US dollars."""
    return sum((line.usd for line in lines), Decimal())


def _alarms(resources: Sequence[Resource]) -> Iterator[Line]:
    metrics = sum(_metrics_of(each.inputs) for each in _of_type(resources, _ALARM))
    yield Line(what="Alarms", quantity=Decimal(metrics), price=prices.ALARM_METRIC)
    yield Line(
        what="Composite alarms",
        quantity=_count(resources, _COMPOSITE),
        price=prices.COMPOSITE_ALARM,
    )
    yield Line(what="Dashboards", quantity=_count(resources, _DASHBOARD), price=prices.DASHBOARD)


def _metrics_of(alarm: Mapping[str, Any]) -> int:
    """Return how many metrics an alarm compares or calculates with."""
    queries = alarm.get("metricQueries") or []
    return sum(1 for each in queries if each.get("metric")) or 1


def _metrics(resources: Sequence[Resource]) -> Iterator[Line]:
    clients = _count(resources, _CLIENT)
    found = Decimal()
    for each in _of_type(resources, _FILTER):
        # The metric of a filter with a dimension exists once for each value: each client's id.
        found += clients if each.inputs["metricTransformation"].get("dimensions") else 1
    yield Line(what="Metrics from logs", quantity=found, price=prices.CUSTOM_METRIC)


def _canary(resources: Sequence[Resource]) -> Iterator[Line]:
    for rule in _of_type(resources, _RULE, within=_CANARY):
        runs = _MINUTES / _minutes_between(rule.inputs["scheduleExpression"])
        yield Line(what="Canary: metrics", quantity=_CANARY_METRICS, price=prices.CUSTOM_METRIC)
        yield Line(what="Canary: publishing them", quantity=runs, price=prices.PUT_METRIC_DATA)
        for function in _of_type(resources, _FUNCTION, within=_CANARY):
            gigabytes = Decimal(int(function.inputs["memorySize"])) / 1024
            yield Line(what="Canary: runs", quantity=runs, price=prices.INVOCATION)
            yield Line(
                what="Canary: computing",
                quantity=runs * gigabytes * _RUN_SECONDS,
                price=prices.GIGABYTE_SECOND,
            )
            yield Line(
                what="Canary: log",
                quantity=runs * _RUN_LOG_GIGABYTES,
                price=prices.LOG_INGESTION,
            )
        for client in _of_type(resources, _CLIENT):
            if str(client.inputs["name"]).endswith(_CANARY_CLIENT):
                tokens = min(runs, _MINUTES / int(client.inputs["accessTokenValidity"]))
                yield Line(what="Canary: app client", quantity=Decimal(1), price=prices.APP_CLIENT)
                yield Line(what="Canary: tokens", quantity=tokens, price=prices.TOKEN)
                yield Line(what="Canary: secret", quantity=Decimal(1), price=prices.SECRET)
                yield Line(what="Canary: reading it", quantity=tokens, price=prices.SECRET_READ)


def _minutes_between(schedule: str) -> int:
    match = _RATE.fullmatch(schedule)
    if match is None:
        raise ValueError(f"the canary's schedule is {schedule}, not a rate in minutes or hours")
    return int(match[1]) * _MINUTES_OF[match[2]]


def _subscriptions(resources: Sequence[Resource]) -> Iterator[Line]:
    protocols = [str(each.inputs["protocol"]) for each in _of_type(resources, _SUBSCRIPTION)]
    emails = sum(protocol.startswith("email") for protocol in protocols)
    https = sum(protocol in {"http", "https"} for protocol in protocols)
    yield Line(what="E-mails", quantity=emails * _NOTIFICATIONS, price=prices.EMAIL)
    yield Line(
        what="Messages by HTTPS", quantity=https * _NOTIFICATIONS, price=prices.HTTP_DELIVERY
    )


def _of_type(resources: Iterable[Resource], kind: str, within: str = "") -> Iterator[Resource]:
    return (each for each in resources if each.types.endswith(f"{within}{kind}"))


def _count(resources: Iterable[Resource], kind: str) -> Decimal:
    return Decimal(sum(1 for _ in _of_type(resources, kind)))
