"""How many instances a service had while calls were made, from CloudWatch."""

import datetime as dt

from automation.hosting.host import Aws, InstanceMetric
from automation.load.results import InstanceCount

_MINUTE = dt.timedelta(minutes=1)


def count_instances(
    aws: Aws, metric: InstanceMetric, started: dt.datetime, seconds: float
) -> tuple[InstanceCount, ...]:
    """Return the number of instances in each minute of a run.

    CloudWatch has a minute's value a little after it, so the last ones may be missing.

    Args:
        started: when the run started.
        seconds: how long it took.
    """
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions.items()]
    named = {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": dimensions,
    }
    statistic = {"Metric": named, "Period": int(_MINUTE.total_seconds()), "Stat": "Maximum"}
    (found,) = aws(
        "cloudwatch",
        "get_metric_data",
        MetricDataQueries=[{"Id": "instances", "MetricStat": statistic}],
        # A value's time is the beginning of its minute.
        StartTime=started.replace(second=0, microsecond=0),
        EndTime=started + dt.timedelta(seconds=seconds),
        ScanBy="TimestampAscending",
    )["MetricDataResults"]
    return tuple(
        InstanceCount(began=max((time - started).total_seconds(), 0.0), count=round(value))
        for time, value in zip(found["Timestamps"], found["Values"], strict=True)
    )
