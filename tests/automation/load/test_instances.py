"""How many instances a service had during a run."""

import datetime as dt
from typing import Any

from automation.hosting.host import InstanceMetric
from automation.load.instances import count_instances
from automation.load.results import InstanceCount

METRIC = InstanceMetric(
    namespace="AWS/AppRunner", name="ActiveInstances", dimensions={"ServiceName": "a"}
)
STARTED = dt.datetime(2026, 11, 25, 12, 0, 20, tzinfo=dt.UTC)


def test_the_minutes_of_a_run_are_asked_for_and_counted_from_its_start() -> None:
    asked: dict[str, Any] = {}

    def aws(service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
        assert (service, operation) == ("cloudwatch", "get_metric_data")
        asked.update(parameters)
        minutes = [STARTED.replace(second=0) + dt.timedelta(minutes=each) for each in (0, 2)]
        return {"MetricDataResults": [{"Timestamps": minutes, "Values": [1.0, 3.0]}]}

    found = count_instances(aws, METRIC, STARTED, 150.0)
    assert found == (InstanceCount(began=0.0, count=1), InstanceCount(began=100.0, count=3))
    assert asked["StartTime"] == dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
    assert asked["EndTime"] == dt.datetime(2026, 11, 25, 12, 2, 50, tzinfo=dt.UTC)
    (query,) = asked["MetricDataQueries"]
    assert query["MetricStat"]["Metric"] == {
        "Namespace": "AWS/AppRunner",
        "MetricName": "ActiveInstances",
        "Dimensions": [{"Name": "ServiceName", "Value": "a"}],
    }
    assert query["MetricStat"]["Stat"] == "Maximum"
