"""Sends a service's metrics to CloudWatch at regular intervals."""

import asyncio
import logging
import statistics
from collections.abc import Sequence
from typing import Any

from localcloud.aws.account import Account
from localcloud.aws.apprunner import metrics
from localcloud.aws.apprunner.containers import Instance
from localcloud.aws.apprunner.instance_group import InstanceGroup
from localcloud.aws.apprunner.models import Service, now
from localcloud.aws.apprunner.proxy import ServiceProxy
from localcloud.aws.container_usage import Measured, UsageMeter

_LOG = logging.getLogger(__name__)


class MetricsReporter:
    """Reports one service's requests and what its instances use."""

    def __init__(
        self, service: Service, proxy: ServiceProxy, account: Account, period: float
    ) -> None:
        """Start to report.

        Args:
            service: the service.
            proxy: counts the requests, and knows the instances.
            account: receives the metrics.
            period: seconds between two reports.
        """
        self._service = service
        self._proxy = proxy
        self._account = account
        self._period = period
        self._meter: UsageMeter[Instance] = UsageMeter()
        self._task = asyncio.ensure_future(self._report_regularly())

    async def stop(self) -> None:
        """Stop reporting."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def report(self) -> None:
        """Send the metrics since the last report."""
        group = self._proxy.group
        counts = self._proxy.counter.reset()
        if group is None and not counts.requests:
            return
        instances = group.instances if group else ()
        at = now()
        served = [instance.reset_served() for instance in instances]
        active = sum(count > 0 for count in served)
        data = list(metrics.request_metrics(counts, active, at))
        dimensions = metrics.service_dimensions(self._service.name, self._service.id)
        if group is not None:
            usages = await self._measure(group, instances)
            if usages:
                cpu = statistics.fmean(usage[0] for usage in usages.values())
                memory = statistics.fmean(usage[1] for usage in usages.values())
                data += metrics.usage_metrics(cpu, memory, at)
            for instance, (cpu, memory) in usages.items():
                own = [*dimensions, {"Name": "Instance", "Value": instance.id}]
                data += _with_dimensions(metrics.usage_metrics(cpu, memory, at), own)
        try:
            await self._account.put_metrics(metrics.NAMESPACE, _with_dimensions(data, dimensions))
        except Exception:  # metrics must never stop a service  # noqa: BLE001
            _LOG.warning("metrics of %s were lost", self._service.name, exc_info=True)

    async def _report_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            await self.report()

    async def _measure(
        self, group: InstanceGroup, instances: Sequence[Instance]
    ) -> dict[Instance, tuple[float, float]]:
        """Return each instance's CPU and memory in percent, from its second measurement on."""
        application = group.settings.application
        return await self._meter.measure(
            Measured(
                key=instance,
                usage=instance.usage,
                nano_cpus=application.nano_cpus,
                memory_bytes=application.memory_bytes,
            )
            for instance in instances
        )


def _with_dimensions(
    data: Sequence[dict[str, Any]], dimensions: Sequence[dict[str, str]]
) -> list[dict[str, Any]]:
    """Add dimensions to the data without any."""
    return [{"Dimensions": dimensions, **datum} for datum in data]
