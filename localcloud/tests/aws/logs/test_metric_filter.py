"""Metric filters: the data points of log events."""

from collections.abc import Sequence
from typing import Any

import pytest

from localcloud.aws.logs.metric_filter import (
    LogEvent,
    MetricFilter,
    TransformationError,
    data_points,
    transformation,
)
from localcloud.aws.logs.metric_filters import MetricFilters
from localcloud.aws.logs.patterns import parse_pattern
from localcloud.aws.metric_sender import DataPoint

METRIC = {"metricNamespace": "Test", "metricName": "Errors", "metricValue": "1"}


def metric_filter(pattern: str, **changes: object) -> MetricFilter:
    parsed = parse_pattern(pattern)
    request: dict[str, Any] = {**METRIC, **changes}
    return MetricFilter(pattern=parsed, transformation=transformation(request, parsed))


def points(metric: MetricFilter, messages: Sequence[str]) -> list[DataPoint]:
    return data_points([metric], [LogEvent(at=60.0, message=each) for each in messages])


def test_a_matching_event_publishes_the_value_at_its_own_time() -> None:
    assert points(metric_filter("ERROR", unit="Count"), ["ERROR x", "fine"]) == [
        DataPoint(namespace="Test", name="Errors", value=1.0, unit="Count", at=60.0)
    ]


def test_other_events_publish_the_default_value() -> None:
    found = points(metric_filter("ERROR", defaultValue=0), ["ERROR x", "fine", "fine"])
    assert [point.value for point in found] == [1.0, 0.0, 0.0]


def test_the_value_can_be_a_field_of_the_event() -> None:
    of_json = metric_filter("{ $.latency = * }", metricValue="$.latency")
    messages = ['{"latency": 50}', '{"latency": "2.5"}', '{"latency": "slow"}', "text"]
    assert [point.value for point in points(of_json, messages)] == [50.0, 2.5]
    of_words = metric_filter("[ip, latency]", metricValue="$latency")
    assert [point.value for point in points(of_words, ["1.1.1.1 7", "1.1.1.1 x"])] == [7.0]


def test_dimensions_are_fields_of_the_event() -> None:
    metric = metric_filter('{ $.message = "token" && $.aud = * }', dimensions={"Client": "$.aud"})
    messages = [
        '{"message": "token", "aud": "one"}',
        '{"message": "token", "aud": "two"}',
        '{"message": "token", "aud": ""}',
        '{"message": "token"}',
    ]
    found = [point.dimensions for point in points(metric, messages)]
    assert found == [(("Client", "one"),), (("Client", "two"),)]


@pytest.mark.parametrize(
    ("pattern", "changes", "reason"),
    [
        ("ERROR", {"metricValue": "many"}, "no number and no field"),
        ("ERROR", {"metricValue": "$.latency"}, "must name these fields"),
        ("{ $.a = 1 }", {"metricValue": "$.b"}, "must name these fields: \\$.b"),
        ("ERROR", {"dimensions": {"A": "$.a"}}, "need a JSON or space-delimited"),
        ("{ $.a = 1 }", {"dimensions": {"A": "$.a"}, "defaultValue": 0}, "mutually exclusive"),
        (
            "[a, b, c, d]",
            {"dimensions": {each: f"${each}" for each in "abcd"}},
            "at most 3 dimensions",
        ),
    ],
)
def test_transformations_that_are_refused(
    pattern: str, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(TransformationError, match=reason):
        metric_filter(pattern, **changes)


def test_filters_concern_their_own_group_from_when_they_are_put_until_they_are_removed() -> None:
    published: list[DataPoint] = []
    filters = MetricFilters(published.extend)
    event = LogEvent(at=0.0, message="ERROR")
    filters.receive("group", [event])
    filters.put("group", "errors", metric_filter("ERROR"))
    filters.receive("group", [event])
    filters.receive("other", [event])
    assert len(published) == 1
    filters.put("group", "errors", metric_filter("WARN"))
    filters.receive("group", [event])
    filters.put("group", "all", metric_filter(""))
    filters.remove("group", "errors")
    filters.receive("group", [event])
    assert len(published) == 2
    filters.remove_group("group")
    filters.receive("group", [event])
    assert len(published) == 2
