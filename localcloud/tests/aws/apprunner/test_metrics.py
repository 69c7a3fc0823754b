import datetime as dt
from collections import Counter

from localcloud.aws.apprunner.metrics import request_metrics, usage_metrics
from localcloud.aws.apprunner.request_counter import RequestCounts
from localcloud.aws.cloudwatch.statistics import Distribution, Statistic

_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_request_metrics_have_the_names_and_units_of_app_runner() -> None:
    counts = RequestCounts(
        statuses=Counter({2: 3, 3: 1, 4: 2, 5: 1}), latencies=Counter({10: 4, 20: 3}), peak=5
    )
    data = {datum["MetricName"]: datum for datum in request_metrics(counts, 2, _AT)}
    values = {
        name: (datum["Value"], datum["Unit"]) for name, datum in data.items() if "Value" in datum
    }
    assert values == {
        "Requests": (7.0, "Count"),
        "2xxStatusResponses": (3.0, "Count"),
        "4xxStatusResponses": (2.0, "Count"),
        "5xxStatusResponses": (1.0, "Count"),
        "Concurrency": (5.0, "Count"),
        "ActiveInstances": (2.0, "Count"),
    }
    latency = data["RequestLatency"]
    assert (latency["Unit"], latency["Values"], latency["Counts"]) == (
        "Milliseconds",
        [10.0, 20.0],
        [4.0, 3.0],
    )


def test_latencies_are_split_into_data_of_150_values() -> None:
    counts = RequestCounts(statuses=Counter({2: 400}), latencies=Counter(range(400)), peak=1)
    parts = [
        datum["Values"]
        for datum in request_metrics(counts, 1, _AT)
        if datum["MetricName"] == "RequestLatency"
    ]
    assert [len(part) for part in parts] == [150, 150, 100]


def test_latencies_have_percentiles() -> None:
    latencies = Counter({10: 90, 30_000: 10})
    counts = RequestCounts(statuses=Counter({2: 100}), latencies=latencies, peak=1)
    [latency] = [
        Distribution.of(zip(datum["Values"], datum["Counts"], strict=True))
        for datum in request_metrics(counts, 1, _AT)
        if datum["MetricName"] == "RequestLatency"
    ]
    assert [Statistic.named(name).value(latency) for name in ("p90", "p95")] == [10, 30_000]


def test_usage_is_in_percent() -> None:
    assert [datum["Unit"] for datum in usage_metrics(100, 50, _AT)] == ["Percent", "Percent"]
