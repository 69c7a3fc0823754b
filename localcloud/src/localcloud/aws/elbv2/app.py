"""Elastic Load Balancing on its own thread, and its API over HTTP."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence

from localcloud.aws.context import ServiceContext
from localcloud.aws.elbv2 import rules
from localcloud.aws.elbv2.models import JsonObject
from localcloud.aws.elbv2.network import Network
from localcloud.aws.elbv2.operations import ElasticLoadBalancing
from localcloud.aws.elbv2.reporter import LoadBalancerReporter, PutMetrics
from localcloud.aws.elbv2.service import (
    LoadBalancing,
    LoadBalancingSettings,
    TlsContexts,
    load_balancing,
)
from localcloud.aws.elbv2.targets import Target, TargetGroupInfo, TargetHealth
from localcloud.aws.query_api import QueryApi
from localcloud.aws.query_protocol import QueryProtocol
from localcloud.aws.service_thread import ServiceThread
from localcloud.certificates import CertificateAuthority

SERVICE = "elasticloadbalancing"
"""Its name in signatures."""
_WORKERS = 8
_STOP_TIMEOUT = 7.0


class LoadBalancerThread:
    """Runs load balancers on a thread; its methods can be awaited from any event loop.

    Attributes:
        api: the API over HTTP.
    """

    def __init__(
        self,
        settings: LoadBalancingSettings,
        network: Network,
        context: ServiceContext,
        put_metrics: PutMetrics,
    ) -> None:
        """Prepare the thread without starting it."""
        self._service: LoadBalancing | None = None
        self._thread = ServiceThread(
            "load-balancers",
            self._run(settings, network, context, put_metrics),
            workers=_WORKERS,
            stop_timeout=_STOP_TIMEOUT,
        )
        self.api = QueryApi(protocol=QueryProtocol("elbv2"), call=self._call)

    def start(self) -> None:
        """Start the thread, and wait until it accepts calls."""
        self._thread.start()

    def stop(self) -> None:
        """Close all ports and end the thread."""
        self._thread.stop()

    def internal_address(self, load_balancer: str, port: int) -> tuple[str, int] | None:
        """Return where this machine reaches a load balancer's port; None if it has none.

        It can be called from any thread.
        """
        return None if self._service is None else self._service.address(load_balancer, port)

    def security_groups(self) -> set[str]:
        """Return the security groups in use; it can be called from any thread."""
        if self._service is None:
            return set()
        used = list(self._service.load_balancers.values())
        return {group for each in used for group in each.security_groups}

    async def target_group(self, arn: str) -> TargetGroupInfo | None:
        """Return a target group; None if it doesn't exist."""
        return await self._thread.run(lambda running: running[0].target_group(arn))

    async def register(self, arn: str, target: Target, *, address: tuple[str, int]) -> None:
        """Register a target with a group, or end its draining.

        Raises:
            LookupError: the target group doesn't exist.
        """
        await self._thread.run(lambda running: running[0].register(arn, target, address=address))

    async def deregister(self, arn: str, target: Target) -> None:
        """Send a target no more requests, and let it finish those that it has."""
        await self._thread.run(lambda running: running[0].deregister(arn, target))

    async def drained(self, arn: str, target: Target) -> None:
        """Wait until a deregistered target is unused."""
        await self._thread.run(lambda running: running[0].drained(arn, target))

    async def health(self, arn: str, target: Target) -> TargetHealth:
        """Return a target's health, which is `unused` if it isn't registered."""
        return await self._thread.run(lambda running: running[0].health(arn, target))

    async def _call(self, operation: str, parameters: JsonObject) -> JsonObject:
        return await self._thread.run(lambda running: running[1].call(operation, parameters))

    @contextlib.asynccontextmanager
    async def _run(
        self,
        settings: LoadBalancingSettings,
        network: Network,
        context: ServiceContext,
        put_metrics: PutMetrics,
    ) -> AsyncIterator[tuple[LoadBalancing, ElasticLoadBalancing]]:
        async with load_balancing(settings) as service:
            self._service = service
            reporter = LoadBalancerReporter(service, put_metrics, context)
            reporting = asyncio.ensure_future(reporter.report_regularly(settings.metrics_period))
            try:
                yield service, ElasticLoadBalancing(service, network, context)
            finally:
                reporting.cancel()


def tls_contexts(authority: CertificateAuthority) -> TlsContexts:
    """Return how the stand-in's authority serves the certificates of listeners."""

    def context(names: Sequence[str], policy: str) -> ssl.SSLContext:
        created = authority.server_context(list(names))
        created.minimum_version = (
            ssl.TLSVersion.TLSv1_3 if rules.requires_tls_1_3(policy) else ssl.TLSVersion.TLSv1_2
        )
        return created

    return context
