"""Data points on their way to CloudWatch."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from localcloud.aws.metric_sender import DataPoint, MetricSender, batches


def point(value: float = 1.0, *, name: str = "Errors", at: float = 60.0) -> DataPoint:
    return DataPoint(namespace="Test", name=name, value=value, unit="Count", at=at)


def test_equal_values_of_one_second_are_sent_together() -> None:
    [(namespace, [datum])] = batches([point(), point(2.0), point(at=60.9)])
    assert namespace == "Test"
    assert datum == {
        "MetricName": "Errors",
        "Dimensions": [],
        "Timestamp": dt.datetime.fromtimestamp(60, dt.UTC),
        "Values": [1.0, 2.0],
        "Counts": [2.0, 1.0],
        "Unit": "Count",
    }


def test_requests_stay_within_the_quotas_of_put_metric_data() -> None:
    different = [point(float(value)) for value in range(301)]
    [(_, data)] = batches(different)
    assert [len(datum["Values"]) for datum in data] == [150, 150, 1]
    many = [point(name=f"metric-{index}") for index in range(1001)]
    assert [len(data) for _, data in batches(many)] == [1000, 1]


async def test_a_refused_batch_does_not_stop_later_ones(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent: list[str] = []

    async def put(_namespace: str, data: Sequence[Mapping[str, Any]]) -> None:
        name = str(data[0]["MetricName"])
        if name == "refused":
            raise ValueError(name)
        sent.append(name)

    sender = MetricSender(put)
    sender.add([point(name="refused")])
    await sender.send()
    sender.add([point(name="accepted")])
    await sender.send()
    await sender.send()
    assert sent == ["accepted"]
    assert "metrics of Test were lost" in caplog.text
