"""The metrics of load balancers in CloudWatch. Pure.

Source: user guide, "CloudWatch metrics for your Application Load Balancer", with the criteria for
what is reported without requests.
"""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from localcloud.aws.elbv2.counts import RequestTotals

NAMESPACE: Final = "AWS/ApplicationELB"
_MAX_VALUES: Final = 150
"""The number of distinct values that PutMetricData accepts in one datum."""
_STATUS_CLASSES: Final = (2, 3, 4, 5)
_OWN_STATUSES: Final = (500, 502, 503, 504)
_MILLISECONDS: Final = 1000

Datum = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class GroupReport:
    """What happened in a period between a load balancer and a target group.

    Attributes:
        load_balancer, target_group: their names in dimensions.
        totals: the requests.
        healthy, unhealthy: targets in these states.
    """

    load_balancer: str
    target_group: str
    totals: RequestTotals
    healthy: int
    unhealthy: int


def group_metrics(report: GroupReport, at: dt.datetime) -> list[Datum]:
    """Return the metrics of a load balancer and a target group, with all their dimensions."""
    balancer = [{"Name": "LoadBalancer", "Value": report.load_balancer}]
    group = [{"Name": "TargetGroup", "Value": report.target_group}]
    both = [*group, *balancer]
    requests = list(_requests(report.totals))
    hosts = [
        _datum("HealthyHostCount", "Count", report.healthy),
        _datum("UnHealthyHostCount", "Count", report.unhealthy),
    ]
    per_target = report.totals.requests / max(1, report.healthy)
    average = [_datum("RequestCountPerTarget", "Count", per_target)]
    return [
        {"Dimensions": dimensions, "Timestamp": at, **datum}
        for dimensions, data in (
            (balancer, [*requests, *_own_responses(report.totals)]),
            (both, [*requests, *hosts, *average]),
            (group, average),
        )
        for datum in data
    ]


def batches(data: Sequence[Datum]) -> Iterator[Sequence[Datum]]:
    """Split data into requests of a size that PutMetricData accepts."""
    for first in range(0, len(data), _MAX_VALUES):
        yield data[first : first + _MAX_VALUES]


def _requests(totals: RequestTotals) -> Iterator[Datum]:
    yield _datum("RequestCount", "Count", totals.requests)
    for status_class in _STATUS_CLASSES:
        if count := totals.target_statuses[status_class]:
            yield _datum(f"HTTPCode_Target_{status_class}XX_Count", "Count", count)
    times = iter(sorted(totals.response_times.items()))
    while part := list(itertools.islice(times, _MAX_VALUES)):
        yield {
            "MetricName": "TargetResponseTime",
            "Unit": "Seconds",
            "Values": [value / _MILLISECONDS for value, _ in part],
            "Counts": [float(count) for _, count in part],
        }


def _own_responses(totals: RequestTotals) -> Iterator[Datum]:
    for status_class in (4, 5):
        count = sum(
            count for status, count in totals.own_statuses.items() if status // 100 == status_class
        )
        if count:
            yield _datum(f"HTTPCode_ELB_{status_class}XX_Count", "Count", count)
    for status in _OWN_STATUSES:
        if count := totals.own_statuses[status]:
            yield _datum(f"HTTPCode_ELB_{status}_Count", "Count", count)


def _datum(name: str, unit: str, value: float) -> Datum:
    return {"MetricName": name, "Unit": unit, "Value": float(value)}
