"""CloudWatch without HTTP, with a clock that tests move."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.aws.cloudwatch.service import CloudWatchService
from localcloud.aws.context import ServiceContext
from localcloud.aws.protocol import ServiceProtocol

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC).timestamp()
NAMESPACE = "Test"
DIMENSION = {"Name": "Service", "Value": "one"}
_PROTOCOL = ServiceProtocol("cloudwatch")


@dataclass
class FakeCloudWatch:
    """The service, called as its clients do.

    Attributes:
        time: the real time, in seconds since the epoch.
    """

    time: float = NOON
    service: CloudWatchService = field(init=False)

    def __post_init__(self) -> None:
        context = ServiceContext(
            region="us-east-1", account_id="000000000000", clock=lambda: self.time
        )
        self.service = CloudWatchService(context)

    async def call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Call an operation with a request that is validated first."""
        _PROTOCOL.validate(operation, parameters)
        return await self.service.api.call(operation, parameters)

    async def put(
        self,
        *values: float,
        name: str = "Errors",
        dimensions: Sequence[Mapping[str, str]] = (DIMENSION,),
        **datum: Any,  # noqa: ANN401 - any JSON
    ) -> None:
        """Put values of a metric, at the current time unless a test says otherwise."""
        counted = {"Values": list(values)} if values else {}
        data = [{"MetricName": name, "Dimensions": list(dimensions), **counted, **datum}]
        await self.call("PutMetricData", Namespace=NAMESPACE, MetricData=data)

    async def data(
        self,
        *queries: dict[str, Any],
        start: float,
        end: float,
        **more: Any,  # noqa: ANN401 - any JSON
    ) -> list[tuple[list[float], list[float]]]:
        """Return the results of queries: the times and the values, oldest first."""
        answer = await self.call(
            "GetMetricData",
            MetricDataQueries=list(queries),
            StartTime=start,
            EndTime=end,
            **{"ScanBy": "TimestampAscending", **more},
        )
        return [
            ([each.timestamp() for each in result["Timestamps"]], result["Values"])
            for result in answer["MetricDataResults"]
        ]


def metric_query(
    *,
    query_id: str = "m1",
    name: str = "Errors",
    stat: str = "Sum",
    period: int = 60,
    **more: Any,  # noqa: ANN401 - any JSON
) -> dict[str, Any]:
    """Return a query for a statistic of a metric."""
    metric = {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": [DIMENSION]}
    return {
        "Id": query_id,
        "MetricStat": {"Metric": metric, "Period": period, "Stat": stat},
        **more,
    }
