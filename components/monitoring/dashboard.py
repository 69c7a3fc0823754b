"""The dashboard's body: the way of a call, from the caller to the database. Pure.

Source: "Dashboard body structure and syntax" in the Amazon CloudWatch API reference.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.edge_alarms import REGION as EDGE_REGION
from components.identity_alarms import TOKENS_METRIC
from components.monitoring.alarm import (
    NAMESPACE,
    Alarm,
    Comparison,
    Severity,
    Subject,
    own_namespace,
)
from components.monitoring.canary_alarms import CANARY_LATENCY
from components.monitoring.metric_filters import CLIENT_DIMENSION

_COLUMNS: Final = 24
_WIDTH, _HEIGHT, _TEXT_HEIGHT, _STATUS_HEIGHT = 8, 6, 2, 3
_HOUR: Final = 3600
_PAGE_COLOR, _TICKET_COLOR = "#d62728", "#ff7f0e"


@dataclass(frozen=True, kw_only=True)
class _Section:
    """A part of the dashboard.

    Attributes:
        heading: its heading.
        text: what it shows, as a sentence.
        subjects: whose alarms are in it.
    """

    heading: str
    text: str
    subjects: tuple[Subject, ...]


_SECTIONS: Final = (
    _Section(
        heading="Callers",
        text="The canary makes the call that every caller makes.",
        subjects=(Subject.CANARY,),
    ),
    _Section(
        heading="Tokens",
        text="Cognito has the claims function run for every token.",
        subjects=(Subject.CLAIMS,),
    ),
    _Section(
        heading="Edge",
        text="CloudFront passes requests on to the host.",
        subjects=(Subject.EDGE,),
    ),
    _Section(
        heading="Service",
        text="The host runs the server; a failed tool call has the status 200 here.",
        subjects=(Subject.SERVICE, Subject.LOAD_BALANCER, Subject.TARGETS, Subject.DEPLOYMENTS),
    ),
    _Section(
        heading="Database",
        text="What the database refuses or can't answer is a failed tool call.",
        subjects=(Subject.TOOL_CALLS,),
    ),
    _Section(
        heading="Secrets",
        text="The rotation function replaces the clients' secrets and deletes replaced ones.",
        subjects=(Subject.ROTATION,),
    ),
)


@dataclass(frozen=True, kw_only=True)
class DashboardFacts:
    """What is known of a stack only once it is deployed.

    Attributes:
        service: `<prefix>-<stack>`.
        region: the stack's region.
        dimensions: the dimensions of all metrics, by what they are of.
        client_ids: the clients' ids at Cognito, by the clients' names.
        alarm_arns: ARNs of the alarms.
    """

    service: str
    region: str
    dimensions: Mapping[Subject, Mapping[str, str]]
    client_ids: Mapping[str, str]
    alarm_arns: tuple[str, ...]


def dashboard_body(alarms: Sequence[Alarm], facts: DashboardFacts) -> str:
    """Return the dashboard's body as JSON: a graph for each alarm, by section, with its threshold.

    A section without alarms, such as the edge's where there is none, is left out.
    """
    widgets: list[dict[str, Any]] = [_status(facts)]
    top = _STATUS_HEIGHT
    for section in _SECTIONS:
        graphs = list(_graphs(section, alarms, facts))
        if not graphs:
            continue
        text = {"markdown": f"## {section.heading}\n{section.text}"}
        widgets.append(_placed("text", text, x=0, y=top, width=_COLUMNS, height=_TEXT_HEIGHT))
        top += _TEXT_HEIGHT
        widgets += _in_rows(graphs, top)
        top += _HEIGHT * (1 + (len(graphs) - 1) // (_COLUMNS // _WIDTH))
    return json.dumps({"start": "-PT12H", "widgets": widgets})


def _graphs(
    section: _Section, alarms: Sequence[Alarm], facts: DashboardFacts
) -> Iterator[dict[str, Any]]:
    for alarm in alarms:
        # One graph has all clients.
        if alarm.metrics[0].subject in section.subjects and not alarm.client:
            yield _graph(alarm, facts)
    if Subject.CANARY in section.subjects:
        yield _latency(facts)
    if Subject.CLAIMS in section.subjects:
        yield _tokens([each for each in alarms if each.client], facts)


def _graph(alarm: Alarm, facts: DashboardFacts) -> dict[str, Any]:
    metrics: list[list[Any]] = []
    if alarm.expression is not None:
        metrics.append([{"expression": alarm.expression, "label": alarm.unit, "id": "result"}])
    for metric in alarm.metrics:
        hidden = {"visible": False} if alarm.expression is not None else {}
        label = metric.label or f"{metric.name} ({metric.statistic})"
        metrics.append(
            [
                metric.namespace,
                metric.name,
                *_flat(facts.dimensions[metric.subject]),
                {"id": metric.id, "stat": metric.statistic, "label": label, **hidden},
            ]
        )
    return {
        "title": f"{alarm.title} ({alarm.key})",
        "region": EDGE_REGION if alarm.is_of_edge else facts.region,
        "view": "timeSeries",
        "stacked": False,
        "period": alarm.period,
        "metrics": metrics,
        "annotations": {"horizontal": [_threshold(alarm)]},
        "yAxis": {"left": {"min": 0}},
    }


def _threshold(alarm: Alarm) -> dict[str, Any]:
    return {
        "label": f"{alarm.severity}: {alarm.comparison.words} {alarm.threshold:g}",
        "value": alarm.threshold,
        "color": _PAGE_COLOR if alarm.severity is Severity.PAGE else _TICKET_COLOR,
        "fill": "below" if alarm.comparison is Comparison.BELOW else "above",
    }


def _latency(facts: DashboardFacts) -> dict[str, Any]:
    dimensions = _flat(facts.dimensions[Subject.CANARY])
    return _plain(
        "How long the canary's call takes (milliseconds)",
        [
            [NAMESPACE, CANARY_LATENCY, *dimensions, {"stat": stat, "label": label}]
            for stat, label in (("Average", "Average"), ("Maximum", "Slowest"))
        ],
        facts,
        period=300,
    )


def _tokens(alarms: Sequence[Alarm], facts: DashboardFacts) -> dict[str, Any]:
    namespace = own_namespace(facts.service)
    graph = _plain(
        "Tokens by client, per hour",
        [
            [namespace, TOKENS_METRIC, CLIENT_DIMENSION, client_id, {"stat": "Sum", "label": name}]
            for name, client_id in facts.client_ids.items()
        ],
        facts,
        period=_HOUR,
    )
    # All of them have the same threshold.
    thresholds = [_threshold(each) for each in alarms[:1]]
    return {**graph, "annotations": {"horizontal": thresholds}}


def _plain(
    title: str, metrics: Sequence[Sequence[Any]], facts: DashboardFacts, *, period: int
) -> dict[str, Any]:
    return {
        "title": title,
        "region": facts.region,
        "view": "timeSeries",
        "stacked": False,
        "period": period,
        "metrics": metrics,
        "yAxis": {"left": {"min": 0}},
    }


def _status(facts: DashboardFacts) -> dict[str, Any]:
    properties = {"title": f"Alarms of {facts.service}", "alarms": list(facts.alarm_arns)}
    return _placed("alarm", properties, x=0, y=0, width=_COLUMNS, height=_STATUS_HEIGHT)


def _in_rows(graphs: Sequence[dict[str, Any]], top: int) -> Iterator[dict[str, Any]]:
    in_row = _COLUMNS // _WIDTH
    for index, properties in enumerate(graphs):
        yield _placed(
            "metric",
            properties,
            x=_WIDTH * (index % in_row),
            y=top + _HEIGHT * (index // in_row),
            width=_WIDTH,
            height=_HEIGHT,
        )


def _placed(
    kind: str, properties: Mapping[str, Any], *, x: int, y: int, width: int, height: int
) -> dict[str, Any]:
    return {
        "type": kind,
        "x": x,
        "y": y,
        "width": width,
        "height": height,
        "properties": properties,
    }


def _flat(dimensions: Mapping[str, str]) -> list[str]:
    return [part for name in sorted(dimensions) for part in (name, dimensions[name])]
