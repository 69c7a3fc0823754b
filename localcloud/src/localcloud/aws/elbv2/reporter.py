"""Sends the metrics of load balancers to CloudWatch at regular intervals."""

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

from localcloud.aws.context import ServiceContext
from localcloud.aws.elbv2 import metrics
from localcloud.aws.elbv2.counts import RequestTotals
from localcloud.aws.elbv2.metrics import GroupReport
from localcloud.aws.elbv2.service import LoadBalancing
from localcloud.aws.elbv2.targets import TargetState

_LOG = logging.getLogger(__name__)

PutMetrics = Callable[[str, Sequence[dict[str, Any]]], Awaitable[None]]
"""Writes data to a namespace."""


class LoadBalancerReporter:
    """Reports what load balancers do."""

    def __init__(self, service: LoadBalancing, put: PutMetrics, context: ServiceContext) -> None:
        """Report on load balancers, as soon as `report` is called."""
        self._service = service
        self._put = put
        self._context = context

    async def report_regularly(self, period: float) -> NoReturn:
        """Report for each period of so many seconds, until cancelled.

        A busy machine delays reports, but leaves no period without one: scaling needs data in all.
        """
        loop = asyncio.get_running_loop()
        ahead = self._context.clock() - loop.time()
        due = loop.time()
        while True:
            due += period
            await asyncio.sleep(due - loop.time())
            await self.report(dt.datetime.fromtimestamp(due + ahead, dt.UTC))

    async def report(self, at: dt.datetime) -> None:
        """Send the metrics since the last report, as of a time."""
        try:
            data = [datum for each in self._reports() for datum in metrics.group_metrics(each, at)]
            for batch in metrics.batches(data):
                await self._put(metrics.NAMESPACE, batch)
        except Exception:  # metrics must never stop a load balancer  # noqa: BLE001
            _LOG.warning("metrics of load balancers were lost", exc_info=True)

    def _reports(self) -> list[GroupReport]:
        service = self._service
        totals = dict(service.totals)
        service.totals.clear()
        return [
            GroupReport(
                load_balancer=service.load_balancers[arn].dimension,
                target_group=pool.group.dimension,
                totals=totals.get((arn, pool.group.arn), RequestTotals()),
                healthy=pool.count(TargetState.HEALTHY),
                unhealthy=pool.count(TargetState.UNHEALTHY),
            )
            for pool in service.pools.values()
            for arn in service.load_balancers_of(pool.group.arn)
        ]
