"""The stack with monitoring: its alarms, what they send, and time that passes for them."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Final

from automation.deployment import Deployment
from components.monitoring.alarm import CALLERS_AFFECTED, Alarm
from components.monitoring.alarms import stack_alarms
from components.settings import Hosting
from localcloud.aws.control import ControlClient
from localcloud.cloud import REGION, Cloud
from localcloud.console import connect_aura
from localcloud.workspace import read_config, write_config
from tests.end_to_end.breakage import World
from tests.end_to_end.hosted import Hosted, hosted
from tests.stand_in import Aws
from tests.waiting import wait_until

CANARY_MINUTES: Final = 5
_MINUTE: Final = 60
# Three periods, and where data are missing, the values of earlier ones.
_LONGEST_LOOK_BACK: Final = 6
_METRIC: Final = ("Namespace", "MetricName", "Dimensions")
_MONITORING: Final[Mapping[str, Any]] = {
    "enabled": True,
    "canaryMinutes": CANARY_MINUTES,
    "subscriptions": {"oncall": {"protocol": "email", "endpoint": "oncall@example.com"}},
}


@dataclass(frozen=True, kw_only=True)
class Message:
    """What an alarm has sent.

    Attributes:
        alarm: the end of the alarm's name.
        state: the state that it has now.
        description: the alarm's description.
    """

    alarm: str
    state: str
    description: str


@dataclass(kw_only=True)
class Monitored:
    """The stack with monitoring on one host."""

    stack: Hosted
    aws: Aws
    _read: int = field(default=0, init=False)

    @property
    def hosting(self) -> Hosting:
        return self.stack.hosting

    @property
    def running(self) -> Cloud:
        return self.stack.running

    @cached_property
    def world(self) -> World:
        return World(context=self.stack.context, running=self.running, aws=self.aws)

    @cached_property
    def control(self) -> ControlClient:
        return ControlClient(
            url=self.running.aws_endpoint, region=REGION, key=self.running.access_key()
        )

    @property
    def name(self) -> str:
        """The beginning of the names of the stack's resources."""
        return self.world.context.names.service_dimension

    def alarm(self, key: str, client: str = "") -> Alarm:
        """Return an alarm as it is configured now."""
        settings = self.stack.context.settings
        alarms = stack_alarms(settings, self.name)
        return next(each for each in alarms if (each.key, each.client) == (key, client))

    @contextmanager
    def configuration_kept(self) -> Iterator[None]:
        """Deploy the configuration from before the block again, if it was changed in it."""
        before = read_config(self.stack.workspace)
        try:
            yield
        finally:
            if read_config(self.stack.workspace) != before:
                write_config(self.stack.workspace, before)
                self.stack.deploy()

    def raised(self) -> set[str]:
        """Return the ends of the names of the alarms that are in ALARM."""
        found = self._described(StateValue="ALARM")
        return {self._end(each["AlarmName"]) for each in found}

    def value(self, alarm: Alarm) -> float | None:
        """Return what an alarm compares, over its last period; None without data."""
        (found,) = self._described(AlarmNames=[self.world.context.names.alarm(alarm.name)])
        queries = found.get("Metrics") or [
            {
                "Id": "m1",
                "MetricStat": {
                    "Metric": {each: found[each] for each in _METRIC},
                    "Period": found["Period"],
                    "Stat": found.get("Statistic") or found["ExtendedStatistic"],
                },
            }
        ]
        end = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
        results = self.aws("cloudwatch").get_metric_data(
            MetricDataQueries=queries,
            StartTime=end - dt.timedelta(seconds=alarm.period),
            EndTime=end,
        )["MetricDataResults"]
        values = results[0]["Values"]
        return float(values[0]) if values else None

    def messages(self) -> list[Message]:
        """Return what alarms have sent since the last call, oldest first."""
        topic = self.world.outputs["alarmTopicArn"]
        listed = self.control.call("ListMessages", TopicArn=topic)["Messages"]
        new, self._read = listed[self._read :], len(listed)
        sent = [json.loads(each["Message"]) for each in new if each["Type"] == "Notification"]
        return [
            Message(
                alarm=self._end(each["AlarmName"]),
                state=each["NewStateValue"],
                description=each["AlarmDescription"],
            )
            for each in sent
            # The topic also gets the events of failed deployments.
            if "AlarmName" in each
        ]

    def pass_minutes(self, minutes: int, *, canary_runs: bool = True) -> None:
        """Let time pass for alarms and schedules.

        Args:
            minutes: a multiple of the canary's interval.
            canary_runs: whether the canary can run, and is waited for.
        """
        for _ in range(0, minutes, CANARY_MINUTES):
            before = self._canary_results()
            self.control.call("MoveClock", Seconds=CANARY_MINUTES * _MINUTE)
            if canary_runs:
                wait_until(partial(self._has_more_results, before), "a canary's run")

    def complete_minute(self) -> None:
        """Let the minute end: what it has counts from then on."""
        self.control.call("MoveClock", Seconds=_MINUTE)

    def let_alarms_end(self, minutes: int) -> None:
        """Let periods pass until no alarm is raised, at most as many as CloudWatch looks back.

        Args:
            minutes: a period.
        """
        for _ in range(_LONGEST_LOOK_BACK):
            if not self.raised():
                return
            self.pass_minutes(minutes)
        wait_until(lambda: not self.raised(), "no alarm is raised")

    def settle(self) -> None:
        """Let all alarms end, and forget what they have sent.

        The end of a test restores thresholds, which the values of minutes before may exceed.
        """
        self.complete_minute()
        self.let_alarms_end(CANARY_MINUTES)
        self.messages()

    def _has_more_results(self, before: float) -> bool:
        return self._canary_results() > before

    def _canary_results(self) -> float:
        found = self.aws("cloudwatch").get_metric_statistics(
            Namespace="Neo4jMcp",
            MetricName="CanarySuccess",
            Dimensions=[{"Name": "Service", "Value": self.name}],
            # More than all the time that passes in a test.
            StartTime=dt.datetime.now(dt.UTC) - dt.timedelta(days=10),
            EndTime=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1),
            Period=86_400,
            Statistics=["SampleCount"],
        )["Datapoints"]
        return float(sum(each["SampleCount"] for each in found))

    def _described(self, **filters: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - boto3's
        kinds = ["MetricAlarm", "CompositeAlarm"]
        if "AlarmNames" not in filters:
            filters["AlarmNamePrefix"] = f"{self.name}-"
        pages = self.aws("cloudwatch").get_paginator("describe_alarms")
        return [
            each
            for page in pages.paginate(AlarmTypes=kinds, **filters)
            for each in page["MetricAlarms"] + page["CompositeAlarms"]
        ]

    def _end(self, name: str) -> str:
        return name.removeprefix(f"{self.name}-")


@contextmanager
def monitored(
    hosting: Hosting, running: Cloud, deployment: Deployment, aws: Aws, **settings: object
) -> Iterator[Monitored]:
    """Deploy the stack with monitoring to a host, and wait until no alarm is raised."""
    before = deployment.outputs()["auraSso"]
    with hosted(hosting, running, deployment) as stack:
        try:
            stack.deploy(monitoring=_MONITORING, **settings)
            outputs = deployment.outputs()
            connect_aura(running, outputs["auraSso"])
            found = Monitored(stack=stack, aws=aws)
            found.world.wait_for_rotations()
            found.control.call("ConfirmSubscriptions", TopicArn=outputs["alarmTopicArn"])
            # No result counts as a failure, and no run of the rotation function as one that is due.
            raised = found.raised()
            assert raised <= {"canary-failing", "rotation-stuck", CALLERS_AFFECTED}, raised
            found.pass_minutes(3 * CANARY_MINUTES)
            found.settle()
            yield found
        finally:
            connect_aura(running, before)
