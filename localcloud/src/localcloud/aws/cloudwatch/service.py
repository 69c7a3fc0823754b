"""Puts CloudWatch together."""

from collections.abc import Sequence

from localcloud.aws.cloudwatch.actions import Execute
from localcloud.aws.cloudwatch.alarm_operations import AlarmOperations
from localcloud.aws.cloudwatch.alarms import Alarms
from localcloud.aws.cloudwatch.dashboard_operations import DashboardOperations
from localcloud.aws.cloudwatch.history import History
from localcloud.aws.cloudwatch.metric_operations import MetricOperations
from localcloud.aws.cloudwatch.metrics import Metric
from localcloud.aws.cloudwatch.monitor import Monitor, Stores
from localcloud.aws.cloudwatch.mute_operations import MuteOperations
from localcloud.aws.cloudwatch.mutes import MuteRules
from localcloud.aws.cloudwatch.operations import CloudWatch
from localcloud.aws.cloudwatch.statistics import Statistic
from localcloud.aws.cloudwatch.store import MetricStore
from localcloud.aws.cloudwatch.tags import TagOperations
from localcloud.aws.context import ServiceContext
from localcloud.aws.movable_clock import MINUTE, MovableClock

_COMPACTING_PERIOD = 10 * MINUTE


class CloudWatchService:
    """The metrics and alarms of one account in one region.

    Attributes:
        api: the operations of its API.
    """

    def __init__(self, context: ServiceContext, clock: MovableClock, execute: Execute) -> None:
        """Start without metrics and alarms.

        Args:
            context: where the service runs.
            clock: the time in which alarms are evaluated.
            execute: executes an alarm's action.
        """
        self._clock = clock
        self._store = MetricStore()
        self._compacted = 0.0
        alarms, mutes, history = Alarms(), MuteRules(), History()
        stores = Stores(metrics=self._store, alarms=alarms, mutes=mutes, history=history)
        self._monitor = Monitor(stores, clock, context, execute)
        self.api = CloudWatch(
            [
                MetricOperations(self._store, clock).handlers,
                AlarmOperations(alarms, history, self._monitor, clock, context).handlers,
                MuteOperations(mutes, alarms, clock, context).handlers,
                DashboardOperations(clock, context).handlers,
                TagOperations(alarms, mutes).handlers,
            ]
        )

    async def run_due(self) -> None:
        """Evaluate all alarms, and forget old values."""
        await self._monitor.evaluate()
        now = self._clock.now()
        if now - self._compacted >= _COMPACTING_PERIOD:
            self._compacted = now
            self._store.compact(now)

    def statistics(
        self, metric: Metric, statistic: str, *, end: float, period: int, count: int
    ) -> Sequence[float | None]:
        """Return a metric's values in the last periods, oldest first; None without data.

        Unlike the API, it returns periods of any length, also of values with the standard
        resolution: Application Auto Scaling here can have shorter minutes.

        Args:
            metric: the metric.
            statistic: its statistic.
            end: the end of the last period, in seconds since the epoch.
            period: seconds.
            count: the number of periods.
        """
        start = self._clock.from_client(end - period * count)
        named = Statistic.named(statistic)
        buckets = self._store.buckets(metric, start=start, period=period, count=count, exact=True)
        return [None if each is None else named.value(each) for each in buckets]
