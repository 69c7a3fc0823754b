"""Dashboards: from their JSON and data to a page."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.dashboards.body import AlarmStates, Graph, Place, Text, parse
from localcloud.dashboards.charts import draw, ticks
from localcloud.dashboards.page import render
from localcloud.dashboards.reading import read
from localcloud.errors import LocalCloudError

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC).timestamp()
ALARM = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:failing"
GRAPH = {
    "title": "Errors <of> one",
    "region": "us-east-1",
    "period": 60,
    "metrics": [
        [{"expression": "m1 * 2", "label": "Twice", "id": "twice"}],
        ["Test", "Errors", "Service", "one", {"id": "m1", "stat": "Sum", "visible": False}],
        [".", "Requests", ".", "."],
    ],
    "annotations": {"horizontal": [{"label": "page: above 3", "value": 3, "color": "#f00"}]},
}


def _body(*widgets: Mapping[str, Any], **more: Any) -> str:  # noqa: ANN401 - any JSON
    return json.dumps({"widgets": widgets, **more})


def _widget(kind: str, properties: Mapping[str, Any], **place: int) -> Mapping[str, Any]:
    return {"type": kind, "properties": properties, **place}


class Client:
    """boto3's client, for one dashboard and its data."""

    def __init__(self, body: str, values: Mapping[str, Sequence[float]]) -> None:
        self._body = body
        self._values = values

    def get_dashboard(self, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        if parameters["DashboardName"] != "one":
            raise ClientError(
                {"Error": {"Code": "ResourceNotFound", "Message": "There is none."}}, "GetDashboard"
            )
        return {"DashboardBody": self._body}

    def get_metric_data(self, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        times = [dt.datetime.fromtimestamp(NOON - 60 * back, dt.UTC) for back in (3, 2, 1)]
        return {
            "MetricDataResults": [
                {"Id": query["Id"], "Timestamps": times, "Values": self._values[query["Id"]]}
                for query in parameters["MetricDataQueries"]
            ]
        }

    def describe_alarms(self, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        alarms = [{"AlarmArn": ALARM, "StateValue": "ALARM"}]
        known = parameters["AlarmNames"] == ["failing"]
        return {"MetricAlarms": alarms if known else [], "CompositeAlarms": []}


def _graph(**more: Any) -> Graph:  # noqa: ANN401 - any JSON
    [widget] = parse(_body(_widget("metric", {**GRAPH, **more}))).widgets
    assert isinstance(widget, Graph)
    return widget


def _drawn(graph: Graph, values: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    return draw(graph, values, start=NOON - 3600, end=NOON, size=(400, 200))


def test_a_body_has_widgets_and_a_time_range() -> None:
    body = parse(
        _body(
            _widget("text", {"markdown": "# Callers"}, x=1, y=2, width=3, height=4),
            _widget("alarm", {"title": "Alarms", "alarms": [ALARM]}),
            _widget("metric", GRAPH),
            start="-P1DT12H30M",
        )
    )
    assert body.seconds == 36 * 3600 + 1800
    text, alarms, graph = body.widgets
    place = Place(x=1, y=2, width=3, height=4)
    assert text == Text(place=place, markdown="# Callers")
    assert isinstance(alarms, AlarmStates)
    assert isinstance(graph, Graph)
    assert parse(_body()).seconds == 3 * 3600


def test_the_lines_of_a_graph_are_queries() -> None:
    expression, errors, requests = _graph().lines
    assert (expression.query, expression.label) == (
        {"Id": "twice", "Expression": "m1 * 2"},
        "Twice",
    )
    dimensions = [{"Name": "Service", "Value": "one"}]
    assert errors.query["MetricStat"] == {
        "Metric": {"Namespace": "Test", "MetricName": "Errors", "Dimensions": dimensions},
        "Period": 60,
        "Stat": "Sum",
    }
    assert (errors.visible, expression.visible) == (False, True)
    # Dots stand for what the metric before has.
    assert requests.query["MetricStat"]["Metric"] == {
        "Namespace": "Test",
        "MetricName": "Requests",
        "Dimensions": dimensions,
    }
    assert (requests.query["Id"], requests.label) == ("line2", "Requests")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (_body(_widget("log", {"query": "", "region": ""})), "type log can't be rendered"),
        (_body(_widget("metric", {**GRAPH, "view": "pie"})), "only time series"),
        (_body(start="2026-03-02T12:00:00Z"), "must be relative"),
    ],
)
def test_what_cannot_be_rendered_is_refused(body: str, message: str) -> None:
    with pytest.raises(LocalCloudError, match=message):
        parse(body)


@pytest.mark.parametrize(
    ("most", "last"), [(1, 1), (3, 4), (7, 8), (95, 100), (60_000, 80_000), (0.004, 0.004)]
)
def test_a_scale_has_round_numbers(most: float, last: float) -> None:
    scale = ticks(most)
    assert (scale[0], len(scale)) == (0, 5)
    assert scale[-1] == pytest.approx(last)


def test_a_gap_interrupts_a_line() -> None:
    points = [(NOON - 60 * back, 1.0) for back in (9, 8, 5, 3, 2)]
    drawn = _drawn(_graph(), {"twice": points, "line2": []})
    assert (drawn.count("<polyline"), drawn.count("<circle")) == (2, 1)
    assert "no data" not in drawn


def test_a_hidden_line_is_not_drawn() -> None:
    drawn = _drawn(_graph(), {"m1": [(NOON - 60, 1.0)]})
    assert "<circle" not in drawn
    assert "no data" in drawn


def test_the_scale_reaches_the_threshold_and_the_values() -> None:
    above = _drawn(_graph(), {"twice": [(NOON - 60, 50.0)]})
    assert ">60<" in above
    assert ">4<" in _drawn(_graph(), {"twice": [(NOON - 60, 1.0)]})


def test_a_page_shows_all_widgets() -> None:
    body = _body(
        _widget("text", {"markdown": "## Callers\nWhat <callers> see."}),
        _widget("alarm", {"title": "Alarms", "alarms": [ALARM, f"{ALARM}-other"]}),
        _widget("metric", GRAPH, x=8, y=6, width=8, height=6),
    )
    client = Client(body, {"twice": [2, 4, 6], "m1": [1, 2, 3], "line2": [10, 10, 10]})
    with pytest.raises(LocalCloudError, match="There is none"):
        read(client, "two", NOON)
    page = render(read(client, "one", NOON))
    assert "2026-03-02 09:00 to 2026-03-02 12:00 UTC" in page
    assert "<h2>Callers</h2><p>What &lt;callers&gt; see.</p>" in page
    assert '<span class="state unknown" title="missing">failing-other</span>' in page
    assert "<h3>Errors &lt;of&gt; one</h3>" in page
    assert "grid-column: 9 / span 8; grid-row: 7 / span 6" in page
    assert page.count("<polyline") == 2
    assert "page: above 3" in page


def test_an_alarm_has_the_color_of_its_state() -> None:
    body = _body(_widget("alarm", {"alarms": [ALARM]}))
    page = render(read(Client(body, {}), "one", NOON))
    assert '<span class="state alarm" title="ALARM">failing</span>' in page
