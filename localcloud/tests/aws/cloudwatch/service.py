"""CloudWatch without HTTP, with a clock that tests move."""

import datetime as dt
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.aws.cloudwatch.service import CloudWatchService
from localcloud.aws.context import ServiceContext
from localcloud.aws.movable_clock import MovableClock
from localcloud.aws.passing_time import PassingTime
from localcloud.aws.protocol import ServiceProtocol

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC).timestamp()
NAMESPACE = "Test"
DIMENSION = {"Name": "Service", "Value": "one"}
_PROTOCOL = ServiceProtocol("cloudwatch")


TOPIC = "arn:aws:sns:us-east-1:000000000000:alarms"


@dataclass(frozen=True, kw_only=True)
class Notification:
    """An action that was executed."""

    action: str
    alarm: str
    subject: str
    message: dict[str, Any]


@dataclass
class FakeCloudWatch:
    """The service, called as its clients do.

    Attributes:
        time: the real time, in seconds since the epoch.
        failure: why actions fail; None if they don't.
        on_action: called while an action is executed, with its message.
        notifications: the actions so far.
    """

    time: float = NOON
    failure: str | None = None
    on_action: Callable[[dict[str, Any]], Awaitable[None]] | None = None
    notifications: list[Notification] = field(default_factory=list)
    service: CloudWatchService = field(init=False)
    passing_time: PassingTime = field(init=False)

    def __post_init__(self) -> None:
        context = ServiceContext(
            region="us-east-1", account_id="000000000000", clock=lambda: self.time
        )
        clock = MovableClock(context.clock)
        self.service = CloudWatchService(context, clock, self._execute)
        self.passing_time = PassingTime(clock, before=[], due=[self.service.run_due])

    async def _execute(self, action: str, alarm: str, subject: str, message: str) -> str | None:
        content = json.loads(message)
        self.notifications.append(
            Notification(action=action, alarm=alarm, subject=subject, message=content)
        )
        if self.on_action is not None:
            await self.on_action(content)
        return self.failure

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

    async def put_alarm(self, name: str = "alarm", **more: Any) -> None:  # noqa: ANN401 - any JSON
        """Put an alarm on the sum of errors in a minute."""
        settings = {
            "Namespace": NAMESPACE,
            "MetricName": "Errors",
            "Dimensions": [DIMENSION],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [TOPIC],
            "OKActions": [TOPIC],
        }
        given = {key: value for key, value in {**settings, **more}.items() if value is not None}
        await self.call("PutMetricAlarm", AlarmName=name, **given)

    async def put_composite(self, rule: str, name: str = "composite", **more: Any) -> None:  # noqa: ANN401 - any JSON
        """Put a composite alarm."""
        settings = {"AlarmRule": rule, "AlarmActions": [TOPIC], "OKActions": [TOPIC]}
        await self.call("PutCompositeAlarm", AlarmName=name, **{**settings, **more})

    async def set_state(self, name: str, state: str) -> None:
        """Set an alarm's state, and evaluate the composite alarms that depend on it."""
        await self.call("SetAlarmState", AlarmName=name, StateValue=state, StateReason="test")

    async def evaluate(self, minutes: int = 0) -> None:
        """Evaluate all alarms, also for minutes that pass."""
        await self.service.run_due()
        await self.passing_time.move({"Seconds": minutes * 60})

    async def alarm(self, name: str = "alarm") -> dict[str, Any]:
        """Describe an alarm."""
        answer = await self.call(
            "DescribeAlarms", AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        [found] = answer["MetricAlarms"] + answer["CompositeAlarms"]
        described: dict[str, Any] = found
        return described

    async def state(self, name: str = "alarm") -> str:
        """Return an alarm's state."""
        return str((await self.alarm(name))["StateValue"])

    def notified(self) -> list[str]:
        """Return the states that were notified since the last call, with the alarms' names."""
        found = [
            f"{each.message['AlarmName']} {each.message['NewStateValue']}"
            for each in self.notifications
        ]
        self.notifications.clear()
        return found

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
