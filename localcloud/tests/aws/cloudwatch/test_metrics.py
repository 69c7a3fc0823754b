"""The store, statistics and queries of metrics."""

from typing import Any

import pytest

from aws.cloudwatch.service import DIMENSION, NAMESPACE, NOON, FakeCloudWatch, metric_query
from localcloud.aws.cloudwatch.metrics import Metric
from localcloud.aws.cloudwatch.statistics import Distribution, Statistic, merged
from localcloud.aws.movable_clock import MINUTE
from localcloud.aws.protocol import ApiError

HOUR = 60 * MINUTE


def _value(name: str, values: dict[float, float]) -> float | None:
    return Statistic.named(name).value(Distribution.of(values.items()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SampleCount", 10),
        ("Sum", 55),
        ("Average", 5.5),
        ("Minimum", 1),
        ("Maximum", 10),
        ("p50", 5),
        ("p90", 9),
        ("p99", 10),
        ("p100", 10),
        ("p0.0", 1),
    ],
)
def test_a_statistic_of_the_numbers_from_1_to_10(name: str, value: float) -> None:
    assert _value(name, dict.fromkeys(range(1, 11), 1)) == value


def test_a_percentile_counts_how_often_a_value_occurs() -> None:
    assert _value("p95", {0.1: 94, 2.0: 6}) == 2.0
    assert _value("p94", {0.1: 94, 2.0: 6}) == 0.1


def test_a_percentile_is_unknown_for_negative_values() -> None:
    assert _value("p90", {-1.0: 1, 5.0: 9}) is None


def test_a_percentile_is_unknown_where_a_part_is_a_statistic_set() -> None:
    unknown = Distribution(count=2, total=3, minimum=1, maximum=2, counts=None)
    both = merged([unknown, Distribution.of([(5.0, 1)])])
    assert Statistic.named("p50").value(both) is None
    assert Statistic.named("Maximum").value(both) == 5


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tm90", "doesn't support the statistic tm90"),
        ("PR(0:10)", "doesn't support the statistic"),
        ("IQM", "doesn't support the statistic IQM"),
        ("p101", "is not supported"),
        ("average", "is not supported"),
    ],
)
def test_other_statistics_are_refused_by_name(name: str, message: str) -> None:
    with pytest.raises(ApiError, match=message):
        Statistic.named(name)


@pytest.mark.parametrize(("name", "number"), [("p99", 1000), ("p90", 100), ("p10", 100)])
def test_the_number_of_values_that_a_percentile_needs(name: str, number: float) -> None:
    assert Statistic.named(name).enough_values == number


async def test_each_combination_of_dimensions_is_a_metric(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put(1, dimensions=[DIMENSION])
    await cloudwatch.put(10, dimensions=[DIMENSION, {"Name": "Id", "Value": "x"}])
    await cloudwatch.put(100, dimensions=[])
    [(_, values)] = await cloudwatch.data(metric_query(), start=NOON, end=NOON + MINUTE)
    assert values == [1]


async def test_data_is_aligned_to_the_period(cloudwatch: FakeCloudWatch) -> None:
    for minutes in (0, 4, 5, 9, 10):
        await cloudwatch.put(1, Timestamp=NOON + minutes * MINUTE)
    [(times, values)] = await cloudwatch.data(
        metric_query(period=300), start=NOON + 3 * MINUTE, end=NOON + 10 * MINUTE
    )
    assert times == [NOON, NOON + 5 * MINUTE]
    assert values == [2, 2]


async def test_data_is_returned_newest_first_unless_asked_otherwise(
    cloudwatch: FakeCloudWatch,
) -> None:
    await cloudwatch.put(1)
    await cloudwatch.put(2, Timestamp=NOON + MINUTE)
    queries = {"MetricDataQueries": [metric_query()], "StartTime": NOON, "EndTime": NOON + HOUR}
    answer = await cloudwatch.call("GetMetricData", **queries)
    assert answer["MetricDataResults"][0]["Values"] == [2, 1]


async def test_percentiles_of_values_and_counts(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put(Values=[10.0, 250.0], Counts=[90.0, 10.0])
    results = await cloudwatch.data(
        *(metric_query(query_id=stat, stat=stat) for stat in ("p90", "p95")),
        start=NOON,
        end=NOON + MINUTE,
    )
    assert [values for _, values in results] == [[10], [250]]


async def test_expressions_use_the_results_of_queries(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put(5, name="Errors")
    await cloudwatch.put(50, name="Requests")
    [(_, ratio), (_, percent)] = await cloudwatch.data(
        metric_query(query_id="errors", ReturnData=False),
        metric_query(query_id="requests", name="Requests", ReturnData=False),
        {"Id": "percent", "Expression": "ratio * 100"},
        {"Id": "ratio", "Expression": "IF(requests > 20, errors / requests, 0)"},
        start=NOON,
        end=NOON + MINUTE,
    )
    assert (ratio, percent) == ([10], [0.1])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"Id": "Upper", "Expression": "m1"}, "must start with a lowercase letter"),
        ({"Id": "e1", "Expression": "m2"}, "unknown identifiers: m2"),
        ({"Id": "e1", "Expression": "e1 + m1"}, "refers to itself"),
        ({"Id": "m1", "Expression": "1"}, "must be unique"),
        ({"Id": "e1"}, "either MetricStat or Expression"),
        (metric_query(query_id="m2", period=45), "must be 1, 5, 10, 20, 30 or a multiple of 60"),
        (metric_query(query_id="m2", period=300), "different periods"),
        ({"Id": "e1", "Expression": "5"}, "must return a time series"),
    ],
)
async def test_queries_that_are_not_valid(
    cloudwatch: FakeCloudWatch, query: dict[str, Any], message: str
) -> None:
    with pytest.raises(ApiError, match=message):
        await cloudwatch.data(metric_query(), query, start=NOON, end=NOON + MINUTE)


async def _statistics(cloudwatch: FakeCloudWatch, **more: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON
    parameters = {
        "Namespace": NAMESPACE,
        "MetricName": "Errors",
        "Dimensions": [DIMENSION],
        "StartTime": NOON,
        "EndTime": NOON + HOUR,
        "Period": 300,
        "Statistics": ["Sum"],
    }
    given = {name: each for name, each in {**parameters, **more}.items() if each is not None}
    answer = await cloudwatch.call("GetMetricStatistics", **given)
    points: list[dict[str, Any]] = answer["Datapoints"]
    return points


async def test_statistics_begin_at_the_minute_of_the_start(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put(1, Timestamp=NOON + 3 * MINUTE)
    await cloudwatch.put(1, Timestamp=NOON + 7 * MINUTE)
    [point] = await _statistics(cloudwatch, StartTime=NOON + 3 * MINUTE + 20)
    assert (point["Timestamp"].timestamp(), point["Sum"]) == (NOON + 3 * MINUTE, 2)


async def test_units_are_separate_in_statistics(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put(1, Unit="Count")
    await cloudwatch.put(2)
    points = await _statistics(cloudwatch)
    assert {each["Unit"]: each["Sum"] for each in points} == {"Count": 1, "None": 2}
    assert await _statistics(cloudwatch, Unit="Seconds") == []


async def test_extended_statistics_are_percentiles(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put(*map(float, range(1, 101)))
    [point] = await _statistics(cloudwatch, Statistics=None, ExtendedStatistics=["p99"])
    assert point["ExtendedStatistics"] == {"p99": 99}


async def test_statistics_and_extended_statistics_are_exclusive(
    cloudwatch: FakeCloudWatch,
) -> None:
    with pytest.raises(ApiError, match="either Statistics or ExtendedStatistics"):
        await _statistics(cloudwatch, ExtendedStatistics=["p99"])


async def test_too_many_data_points_are_refused(cloudwatch: FakeCloudWatch) -> None:
    with pytest.raises(ApiError, match="exceeds the limit of 1440"):
        await _statistics(cloudwatch, EndTime=NOON + 25 * HOUR, Period=60)


async def test_seconds_need_the_high_resolution(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put(1, name="Standard", Timestamp=NOON + 15)
    await cloudwatch.put(1, name="High", Timestamp=NOON + 15, StorageResolution=1)
    results = await cloudwatch.data(
        metric_query(query_id="m1", name="Standard", period=10),
        metric_query(query_id="m2", name="High", period=10),
        start=NOON,
        end=NOON + MINUTE,
    )
    assert [times for times, _ in results] == [[NOON], [NOON + 10]]


async def test_metrics_are_listed_by_their_dimensions(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put(1, name="Errors")
    await cloudwatch.put(1, name="Requests", dimensions=[])
    answer = await cloudwatch.call("ListMetrics", Dimensions=[{"Name": "Service"}])
    assert answer["Metrics"] == [
        {"Namespace": NAMESPACE, "MetricName": "Errors", "Dimensions": [DIMENSION]}
    ]
    answer = await cloudwatch.call("ListMetrics", MetricName="Requests")
    assert [each["MetricName"] for each in answer["Metrics"]] == ["Requests"]


@pytest.mark.parametrize(
    ("datum", "message"),
    [
        ({}, "At least one of Value"),
        ({"Value": 1.0, "Values": [1.0]}, "mutually exclusive"),
        ({"Values": [1.0], "Counts": [1.0, 2.0]}, "must have the same size"),
        ({"Values": [float(each) for each in range(151)]}, "size from 1 to 150"),
        ({"Value": 2.0**361}, "not in the range"),
        ({"Value": 1.0, "Timestamp": NOON - 15 * 24 * HOUR}, "two weeks in the past"),
        ({"Value": 1.0, "Timestamp": NOON + 3 * HOUR}, "two hours in the future"),
        ({"Value": 1.0, "StorageResolution": 30}, "must be 1 or 60"),
        ({"Value": 1.0, "Dimensions": [DIMENSION, DIMENSION]}, "duplicate names"),
    ],
)
async def test_data_that_is_not_valid_is_refused(
    cloudwatch: FakeCloudWatch, datum: dict[str, Any], message: str
) -> None:
    data = [{"MetricName": "Errors", **datum}]
    with pytest.raises(ApiError, match=message):
        await cloudwatch.call("PutMetricData", Namespace=NAMESPACE, MetricData=data)


async def test_moving_the_clock_makes_data_older(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put(1)
    await cloudwatch.passing_time.move({"Seconds": 10 * MINUTE})
    await cloudwatch.put(2)
    [(times, values)] = await cloudwatch.data(metric_query(), start=NOON - HOUR, end=NOON + MINUTE)
    assert (times, values) == ([NOON - 10 * MINUTE, NOON], [1, 2])


async def test_the_clock_moves_by_whole_minutes(cloudwatch: FakeCloudWatch) -> None:
    with pytest.raises(ApiError, match="multiple of 60"):
        await cloudwatch.passing_time.move({"Seconds": 30})


async def test_seconds_are_kept_for_three_hours_and_minutes_for_15_days(
    cloudwatch: FakeCloudWatch,
) -> None:
    async def sums(period: int) -> list[float]:
        query = metric_query(period=period)
        start = cloudwatch.time - cloudwatch.time % HOUR - 24 * HOUR
        [(_, values)] = await cloudwatch.data(query, start=start, end=cloudwatch.time + MINUTE)
        return values

    for second in (0, 20, 40):
        await cloudwatch.put(1, Timestamp=NOON + second, StorageResolution=1)
    cloudwatch.time = NOON + 2 * HOUR
    await cloudwatch.service.run_due()
    assert await sums(20) == [1, 1, 1]
    cloudwatch.time = NOON + 4 * HOUR
    await cloudwatch.service.run_due()
    assert await sums(20) == await sums(60) == [3]
    cloudwatch.time = NOON + 15 * 24 * HOUR + MINUTE
    await cloudwatch.service.run_due()
    assert (await cloudwatch.call("ListMetrics"))["Metrics"] == []


def test_scaling_reads_periods_of_any_length(cloudwatch: FakeCloudWatch) -> None:
    metric = Metric(namespace=NAMESPACE, name="Errors", dimensions=frozenset())
    values = cloudwatch.service.statistics(metric, "Sum", end=NOON, period=2, count=3)
    assert list(values) == [None, None, None]
