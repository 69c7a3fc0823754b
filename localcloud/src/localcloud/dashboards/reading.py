"""Reads dashboards, metrics and alarms through boto3."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from localcloud.dashboards.body import AlarmStates, Body, Graph, parse
from localcloud.errors import LocalCloudError

Points = Sequence[tuple[float, float]]
"""Times, in seconds since the epoch, and values; oldest first."""


class CloudWatchClient(Protocol):
    """The operations of boto3's client that this calls."""

    def get_dashboard(self, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Return a dashboard."""

    def get_metric_data(self, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Return the results of queries."""

    def describe_alarms(self, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Describe alarms."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a dashboard shows at a time.

    Attributes:
        name: its name.
        body: its widgets.
        start, end: the time range, in seconds since the epoch.
        series: the points of each line of a graph, by the graph's position among the widgets.
        states: the states of alarms by their ARNs.
    """

    name: str
    body: Body
    start: float
    end: float
    series: Mapping[int, Mapping[str, Points]]
    states: Mapping[str, str]


def read(client: CloudWatchClient, name: str, now: float) -> Reading:
    """Read a dashboard, its metrics and its alarms.

    Raises:
        LocalCloudError: it doesn't exist, or can't be rendered.
    """
    try:
        text = client.get_dashboard(DashboardName=name)["DashboardBody"]
    except ClientError as error:
        message = error.response["Error"]["Message"]
        raise LocalCloudError(f"The dashboard can't be read: {message}") from error
    body = parse(text)
    start = now - body.seconds
    graphs = {
        index: widget for index, widget in enumerate(body.widgets) if isinstance(widget, Graph)
    }
    return Reading(
        name=name,
        body=body,
        start=start,
        end=now,
        series={index: _series(client, graph, start, now) for index, graph in graphs.items()},
        states=_states(client, body),
    )


def _series(
    client: CloudWatchClient, graph: Graph, start: float, end: float
) -> Mapping[str, Points]:
    if not graph.lines:
        return {}
    answer = client.get_metric_data(
        MetricDataQueries=[dict(line.query) for line in graph.lines],
        StartTime=dt.datetime.fromtimestamp(start, dt.UTC),
        EndTime=dt.datetime.fromtimestamp(end, dt.UTC),
        ScanBy="TimestampAscending",
    )
    return {
        result["Id"]: [
            (time.timestamp(), value)
            for time, value in zip(result["Timestamps"], result["Values"], strict=True)
            # The first period may begin before the time range.
            if time.timestamp() >= start
        ]
        for result in answer["MetricDataResults"]
    }


def _states(client: CloudWatchClient, body: Body) -> Mapping[str, str]:
    arns = [
        arn for widget in body.widgets if isinstance(widget, AlarmStates) for arn in widget.arns
    ]
    if not arns:
        return {}
    answer = client.describe_alarms(
        AlarmNames=[arn.partition(":alarm:")[2] for arn in arns],
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        MaxRecords=100,
    )
    alarms = [*answer["MetricAlarms"], *answer["CompositeAlarms"]]
    return {alarm["AlarmArn"]: alarm["StateValue"] for alarm in alarms}
