"""What a dashboard shows, from its JSON. Pure.

Source: "Dashboard body structure and syntax" in the Amazon CloudWatch API reference.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from localcloud.errors import LocalCloudError

_SIZE: Final = 6
_DEFAULT_PERIOD: Final = 300
_DEFAULT_RANGE: Final = 3 * 3600
_RANGE: Final = re.compile(r"-P(?:(?P<D>\d+)D)?(?:T(?:(?P<H>\d+)H)?(?:(?P<M>\d+)M)?)?")
_SECONDS: Final = {"D": 86400, "H": 3600, "M": 60}
_SAME: Final = "."


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a widget is, in columns (24) and rows."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a graph, or what one is calculated from.

    Attributes:
        query: its MetricDataQuery structure.
        label: its label.
        visible: whether it is drawn.
    """

    query: Mapping[str, Any]
    label: str
    visible: bool


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A horizontal line."""

    label: str
    value: float
    color: str


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A widget with lines."""

    title: str
    place: Place
    period: int
    lines: Sequence[Line]
    thresholds: Sequence[Threshold]


@dataclass(frozen=True, kw_only=True)
class Text:
    """A widget with Markdown."""

    place: Place
    markdown: str


@dataclass(frozen=True, kw_only=True)
class AlarmStates:
    """A widget with the states of alarms, by their ARNs."""

    title: str
    place: Place
    arns: Sequence[str]


Widget = Graph | Text | AlarmStates


@dataclass(frozen=True, kw_only=True)
class Body:
    """A dashboard.

    Attributes:
        seconds: the time range that it shows, which ends now.
        widgets: its widgets.
    """

    seconds: int
    widgets: Sequence[Widget]


def parse(text: str) -> Body:
    """Read a dashboard's body.

    Raises:
        LocalCloudError: it has what this can't render.
    """
    content = json.loads(text)
    return Body(
        seconds=_seconds(content.get("start")),
        widgets=[_widget(each) for each in content["widgets"]],
    )


def _seconds(start: str | None) -> int:
    if start is None:
        return _DEFAULT_RANGE
    found = _RANGE.fullmatch(start)
    total = (
        sum(int(each) * _SECONDS[unit] for unit, each in found.groupdict("0").items())
        if found
        else 0
    )
    if not total:
        raise LocalCloudError(f"The dashboard's start {start} must be relative, such as -PT12H.")
    return total


def _widget(widget: Mapping[str, Any]) -> Widget:
    place = Place(
        x=widget.get("x", 0),
        y=widget.get("y", 0),
        width=widget.get("width", _SIZE),
        height=widget.get("height", _SIZE),
    )
    kind, properties = widget["type"], widget["properties"]
    if kind == "text":
        return Text(place=place, markdown=properties["markdown"])
    if kind == "alarm":
        return AlarmStates(
            title=properties.get("title", "Alarms"), place=place, arns=properties["alarms"]
        )
    if kind == "metric" and properties.get("view", "timeSeries") == "timeSeries":
        period = properties.get("period", _DEFAULT_PERIOD)
        return Graph(
            title=properties.get("title", ""),
            place=place,
            period=period,
            lines=list(
                _lines(properties.get("metrics", ()), properties.get("stat", "Average"), period)
            ),
            thresholds=[
                Threshold(
                    label=each.get("label", ""),
                    value=float(each["value"]),
                    color=each.get("color", "#d62728"),
                )
                for each in properties.get("annotations", {}).get("horizontal", ())
            ],
        )
    raise LocalCloudError(f"Widgets of the type {kind} can't be rendered; only time series.")


def _lines(metrics: Sequence[Sequence[Any]], stat: str, period: int) -> Iterator[Line]:
    names: list[str] = []
    for index, metric in enumerate(metrics):
        options: Mapping[str, Any] = metric[-1] if isinstance(metric[-1], dict) else {}
        query_id = options.get("id", f"line{index}")
        visible = options.get("visible", True)
        if "expression" in options:
            label = options.get("label", query_id)
            query = {"Id": query_id, "Expression": options["expression"]}
        else:
            given = [each for each in metric if isinstance(each, str)]
            # A dot stands for what the metric before has there.
            names = [names[at] if each == _SAME else each for at, each in enumerate(given)]
            label = options.get("label", names[1])
            query = {
                "Id": query_id,
                "MetricStat": {
                    "Metric": {
                        "Namespace": names[0],
                        "MetricName": names[1],
                        "Dimensions": [
                            {"Name": name, "Value": value}
                            for name, value in zip(names[2::2], names[3::2], strict=True)
                        ],
                    },
                    "Period": options.get("period", period),
                    "Stat": options.get("stat", stat),
                },
            }
        yield Line(query=query, label=label, visible=visible)
