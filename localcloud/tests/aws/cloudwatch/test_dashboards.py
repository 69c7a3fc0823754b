"""Dashboards and the validation of their bodies."""

import json
from typing import Any

import pytest

from aws.cloudwatch.service import FakeCloudWatch
from localcloud.aws.protocol import ApiError

METRICS = [
    ["AWS/Lambda", "Errors", "FunctionName", "one", {"stat": "Sum"}],
    [{"expression": "m1 * 2", "label": "Twice"}],
]
TEXT: dict[str, Any] = {"type": "text", "properties": {"markdown": "# Callers"}}
BODY = {
    "widgets": [
        {
            "type": "metric",
            "x": 0,
            "y": 0,
            "width": 12,
            "height": 6,
            "properties": {"metrics": METRICS, "region": "us-east-1", "title": "Errors"},
        },
        TEXT,
        {"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:us-east-1:0:alarm:a"]}},
    ]
}


async def _put(cloudwatch: FakeCloudWatch, body: Any, name: str = "one") -> None:  # noqa: ANN401 - any JSON
    text = body if isinstance(body, str) else json.dumps(body)
    await cloudwatch.call("PutDashboard", DashboardName=name, DashboardBody=text)


async def test_a_dashboard_is_returned_as_it_was_put(cloudwatch: FakeCloudWatch) -> None:
    text = json.dumps(BODY, indent=3)
    await _put(cloudwatch, text)
    found = await cloudwatch.call("GetDashboard", DashboardName="one")
    assert found == {
        "DashboardArn": "arn:aws:cloudwatch::000000000000:dashboard/one",
        "DashboardBody": text,
        "DashboardName": "one",
    }
    [entry] = (await cloudwatch.call("ListDashboards", DashboardNamePrefix="o"))["DashboardEntries"]
    assert (entry["DashboardName"], entry["Size"]) == ("one", len(text))
    assert (await cloudwatch.call("ListDashboards", DashboardNamePrefix="x"))[
        "DashboardEntries"
    ] == []


async def test_none_is_deleted_if_one_does_not_exist(cloudwatch: FakeCloudWatch) -> None:
    await _put(cloudwatch, BODY)
    with pytest.raises(ApiError, match="Dashboard two does not exist"):
        await cloudwatch.call("DeleteDashboards", DashboardNames=["one", "two"])
    await cloudwatch.call("DeleteDashboards", DashboardNames=["one"])
    with pytest.raises(ApiError, match="Dashboard one does not exist"):
        await cloudwatch.call("GetDashboard", DashboardName="one")


async def test_a_name_has_letters_digits_and_two_signs(cloudwatch: FakeCloudWatch) -> None:
    with pytest.raises(ApiError, match="DashboardName must have"):
        await _put(cloudwatch, BODY, "a name")


def _metric(**properties: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"type": "metric", "properties": {"region": "us-east-1", **properties}}


@pytest.mark.parametrize(
    ("widget", "path", "message"),
    [
        ("text", "/widgets/0", "Should be an object"),
        ({"type": "graph", "properties": {}}, "/widgets/0/type", "Should be one of"),
        ({"type": "text"}, "/widgets/0", "properties"),
        ({"type": "text", "properties": {}}, "/widgets/0/properties", "markdown"),
        ({"type": "alarm", "properties": {}}, "/widgets/0/properties", "alarms"),
        ({**TEXT, "width": 25}, "/widgets/0", "wider than 24"),
        ({**TEXT, "x": 20, "y": 0, "width": 6}, "/widgets/0", "wider than 24"),
        ({**TEXT, "x": 1}, "/widgets/0", "both properties"),
        ({**TEXT, "height": 0}, "/widgets/0/height", "integer >= 1"),
        (_metric(), "/widgets/0/properties", "metrics"),
        (
            {"type": "metric", "properties": {"metrics": METRICS}},
            "/widgets/0/properties",
            "region",
        ),
        (_metric(metrics=[[]]), "/widgets/0/properties/metrics/0", "at least one"),
        (_metric(metrics=[["AWS/X"]]), "/widgets/0/properties/metrics/0", "a namespace, a name"),
        (_metric(metrics=[["A", "B", "C"]]), "/widgets/0/properties/metrics/0", "pairs"),
        (_metric(metrics=[["A", 1]]), "/widgets/0/properties/metrics/0", "texts"),
        (_metric(metrics=[[{"label": "x"}]]), "/widgets/0/properties/metrics/0", "expression"),
    ],
)
async def test_widgets_that_are_refused(
    cloudwatch: FakeCloudWatch,
    widget: Any,  # noqa: ANN401 - any JSON
    path: str,
    message: str,
) -> None:
    with pytest.raises(ApiError, match=message) as refused:
        await _put(cloudwatch, {"widgets": [widget]})
    assert f'"DataPath": "{path}"' in refused.value.message


@pytest.mark.parametrize("body", ["nonsense", "[]", '{"widgets": {}}'])
async def test_bodies_that_are_refused(cloudwatch: FakeCloudWatch, body: str) -> None:
    with pytest.raises(ApiError, match="The dashboard body is invalid"):
        await _put(cloudwatch, body)
