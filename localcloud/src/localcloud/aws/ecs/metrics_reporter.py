"""Sends the services' metrics to CloudWatch at regular intervals."""

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from localcloud.aws.container_usage import Measured, UsageMeter
from localcloud.aws.ecs import metrics
from localcloud.aws.ecs.controller import ServiceController
from localcloud.aws.ecs.models import Task

_LOG = logging.getLogger(__name__)

PutMetrics = Callable[[str, Sequence[Mapping[str, Any]]], Awaitable[None]]
"""Called with a namespace and MetricDatum structures."""


class MetricsReporter:
    """Reports what the tasks of all services use."""

    def __init__(
        self,
        controllers: Callable[[], Sequence[ServiceController]],
        put_metrics: PutMetrics,
        period: float,
    ) -> None:
        """Start to report.

        Args:
            controllers: returns the services.
            put_metrics: writes metrics.
            period: seconds between two reports.
        """
        self._controllers = controllers
        self._put_metrics = put_metrics
        self._period = period
        self._meter = UsageMeter[Task]()
        self._task = asyncio.ensure_future(self._report_regularly())

    async def stop(self) -> None:
        """Stop reporting."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def report(self) -> None:
        """Send the metrics since the last report."""
        running = [
            Measured(
                key=runner.task,
                usage=runner.container.usage,
                nano_cpus=runner.task.definition.nano_cpus,
                memory_bytes=runner.task.definition.memory_bytes,
            )
            for controller in self._controllers()
            for runner in controller.runners
            if runner.container is not None
        ]
        usages = await self._meter.measure(running)
        now = dt.datetime.now(dt.UTC)
        for controller in self._controllers():
            service = controller.service
            cluster = service.cluster_arn.rpartition("/")[2]
            own = [usages[task] for task in service.tasks if task in usages]
            if data := metrics.service_metrics(cluster, service.name, own, now):
                await self._put_metrics(metrics.NAMESPACE, data)

    async def _report_regularly(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            # At a fixed rate, because scaling needs data in every period.
            due = max(due + self._period, loop.time())
            await asyncio.sleep(due - loop.time())
            try:
                await self.report()
            except Exception:  # metrics must never stop a service  # noqa: BLE001
                _LOG.warning("metrics were lost", exc_info=True)
