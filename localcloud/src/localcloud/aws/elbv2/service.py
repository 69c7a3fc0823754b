"""Runs load balancers and target groups: the state, the ports and the targets.

All of it belongs to one event loop. Other threads only read, and only through single look-ups.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from localcloud.aws import forwarding
from localcloud.aws.elbv2 import health
from localcloud.aws.elbv2.access_log import AccessEntry
from localcloud.aws.elbv2.counts import RequestTotals, ServedRequest
from localcloud.aws.elbv2.front import Front, FrontSettings
from localcloud.aws.elbv2.models import Listener, LoadBalancer, TargetGroup
from localcloud.aws.elbv2.pool import TargetPool, session_check
from localcloud.aws.elbv2.targets import Target, TargetGroupInfo, TargetHealth

_MAX_HEADER: Final = 16 * 1024

Log = Callable[[str, AccessEntry], None]
TlsContexts = Callable[[Sequence[str], str], ssl.SSLContext]
"""Returns the server's TLS context for a certificate's names and a TLS policy."""


@dataclass(frozen=True, kw_only=True)
class LoadBalancingSettings:
    """How load balancers run on this machine.

    Attributes:
        host: the address that they listen on.
        tls: makes the TLS contexts of HTTPS listeners.
        idle_drain: seconds until a deregistered target without requests is unused; AWS waits for
            the whole deregistration delay.
        provisioning: seconds until a new load balancer is active; AWS takes minutes.
        metrics_period: seconds between two reports of metrics.
        log: called with a load balancer's ARN and an entry of its access log.
    """

    host: str
    tls: TlsContexts
    idle_drain: float = 5.0
    provisioning: float = 1.0
    metrics_period: float = 60.0
    log: Log = lambda _load_balancer, _entry: None


@dataclass(eq=False, kw_only=True)
class _Port:
    """A listener with its port, and the counts of its requests."""

    listener: Listener
    front: Front


@dataclass(eq=False, kw_only=True)
class LoadBalancing:
    """Load balancers, listeners and target groups.

    Attributes:
        settings: how they run.
        pool_of: creates the pool of a target group.
        load_balancers: the load balancers, by ARN.
        pools: the target groups with their targets, by ARN.
        totals: the requests since the last report, by load balancer and target group.
    """

    settings: LoadBalancingSettings
    pool_of: Callable[[TargetGroup], TargetPool]
    load_balancers: dict[str, LoadBalancer] = field(default_factory=dict)
    pools: dict[str, TargetPool] = field(default_factory=dict)
    totals: dict[tuple[str, str], RequestTotals] = field(default_factory=dict)
    _ports: dict[str, _Port] = field(default_factory=dict)

    @property
    def groups(self) -> list[TargetGroup]:
        """The target groups."""
        return [pool.group for pool in self.pools.values()]

    @property
    def listeners(self) -> list[Listener]:
        """The listeners."""
        return [port.listener for port in self._ports.values()]

    def listener(self, arn: str) -> Listener | None:
        """Return a listener; None if it doesn't exist."""
        port = self._ports.get(arn)
        return None if port is None else port.listener

    def listeners_of(self, load_balancer: str) -> list[Listener]:
        """Return the listeners of a load balancer."""
        return [each for each in self.listeners if each.load_balancer_arn == load_balancer]

    def load_balancers_of(self, target_group: str) -> list[str]:
        """Return the ARNs of the load balancers that forward to a target group."""
        return sorted(
            {
                each.load_balancer_arn
                for each in self.listeners
                if each.target_group_arn == target_group
            }
        )

    def address(self, load_balancer: str, port: int) -> tuple[str, int] | None:
        """Return where this machine reaches a load balancer's port; None if it has none.

        It can be called from any thread.
        """
        for each in list(self._ports.values()):
            if (each.listener.load_balancer_arn, each.listener.port) == (load_balancer, port):
                return each.front.address
        return None

    def add_group(self, group: TargetGroup) -> None:
        """Add a target group."""
        self.pools[group.arn] = self.pool_of(group)

    def change_group(self, group: TargetGroup) -> None:
        """Change a target group's settings."""
        pool = self.pools[group.arn]
        earlier, pool.group = pool.group, group
        if earlier.health_check != group.health_check:
            pool.restart_checks()

    async def remove_group(self, arn: str) -> None:
        """Remove a target group, if it exists."""
        if (pool := self.pools.pop(arn, None)) is not None:
            await pool.close()

    async def change_load_balancer(self, load_balancer: LoadBalancer) -> None:
        """Add a load balancer, or change its settings."""
        self.load_balancers[load_balancer.arn] = load_balancer
        for port in self._ports.values():
            if port.listener.load_balancer_arn == load_balancer.arn:
                await port.front.change(self._front_settings(port.listener))

    async def remove_load_balancer(self, arn: str) -> None:
        """Remove a load balancer with its listeners."""
        for listener in self.listeners_of(arn):
            await self.remove_listener(listener.arn)
        self.load_balancers.pop(arn, None)

    async def put_listener(self, listener: Listener) -> None:
        """Add a listener, or change it.

        Raises:
            OSError: its port on this machine isn't available; nothing has changed.
        """
        earlier = self._ports.get(listener.arn)
        if earlier is not None and earlier.listener.port == listener.port:
            changed = not _same_certificate(earlier.listener, listener)
            earlier.listener = listener
            await earlier.front.change(self._front_settings(listener))
            if changed:
                await earlier.front.change_context(self._tls(listener))
        else:
            front = Front(self._front_settings(listener), _Counter(self, listener))
            try:
                await front.open(
                    self.settings.host, self._local_port(listener), self._tls(listener)
                )
            except BaseException:
                await front.close()
                raise
            self._ports[listener.arn] = _Port(listener=listener, front=front)
            if earlier is not None:
                await earlier.front.close()
        self._use_pools()

    async def remove_listener(self, arn: str) -> None:
        """Remove a listener, and close its port."""
        if (port := self._ports.pop(arn, None)) is not None:
            await port.front.close()
            self._use_pools()

    async def close(self) -> None:
        """Close all ports, and stop all checks."""
        for arn in list(self._ports):
            await self.remove_listener(arn)
        for arn in list(self.pools):
            await self.remove_group(arn)

    async def target_group(self, arn: str) -> TargetGroupInfo | None:
        """Return a target group as other services see it; None if it doesn't exist."""
        pool = self.pools.get(arn)
        if pool is None:
            return None
        return TargetGroupInfo(
            arn=arn,
            target_type="ip",
            protocol="HTTP",
            port=pool.group.port,
            vpc_id=pool.group.vpc_id,
            load_balancer_arns=tuple(self.load_balancers_of(arn)),
            deregistration_delay=float(
                pool.group.attributes["deregistration_delay.timeout_seconds"]
            ),
        )

    async def register(self, arn: str, target: Target, *, address: tuple[str, int]) -> None:
        """Register a target with a group.

        Raises:
            LookupError: the target group doesn't exist.
        """
        self.pools[arn].register(target, address)

    async def deregister(self, arn: str, target: Target) -> None:
        """Deregister a target, if it is registered."""
        if (pool := self.pools.get(arn)) is not None:
            pool.deregister(target)

    async def drained(self, arn: str, target: Target) -> None:
        """Wait until a deregistered target is unused."""
        if (pool := self.pools.get(arn)) is not None:
            await pool.drained(target)

    async def health(self, arn: str, target: Target) -> TargetHealth:
        """Return a target's health."""
        pool = self.pools.get(arn)
        return health.NOT_REGISTERED if pool is None else pool.health(target)

    def _front_settings(self, listener: Listener) -> FrontSettings:
        load_balancer = self.load_balancers[listener.load_balancer_arn]
        return FrontSettings(
            load_balancer=load_balancer.dimension,
            protocol=listener.protocol,
            port=listener.port,
            host_names=frozenset({load_balancer.dns_name.lower()}),
            attributes=load_balancer.attributes,
            pool=self.pools[listener.target_group_arn],
        )

    def _local_port(self, listener: Listener) -> int:
        """Return the port on this machine: for an internal load balancer, any free one."""
        is_internal = self.load_balancers[listener.load_balancer_arn].is_internal
        return 0 if is_internal else listener.port

    def _tls(self, listener: Listener) -> ssl.SSLContext | None:
        if listener.protocol != "HTTPS":
            return None
        return self.settings.tls(listener.names, listener.ssl_policy or "")

    def _use_pools(self) -> None:
        used = {each.target_group_arn for each in self.listeners}
        for arn, pool in self.pools.items():
            pool.use(in_use=arn in used)


class _Counter:
    """Counts and logs a listener's requests."""

    def __init__(self, service: LoadBalancing, listener: Listener) -> None:
        self._totals = service.totals
        self._log = service.settings.log
        self._load_balancer = listener.load_balancer_arn

    def count(self, target_group: str, request: ServedRequest) -> None:
        key = (self._load_balancer, target_group)
        self._totals.setdefault(key, RequestTotals()).add(request)

    def log(self, entry: AccessEntry) -> None:
        self._log(self._load_balancer, entry)


@contextlib.asynccontextmanager
async def load_balancing(settings: LoadBalancingSettings) -> AsyncIterator[LoadBalancing]:
    """Run load balancers on the current loop until the block ends."""
    async with forwarding.forwarding_session(keep_alive=0, max_header=_MAX_HEADER) as session:
        check = session_check(session)
        service = LoadBalancing(
            settings=settings,
            pool_of=lambda group: TargetPool(group, check, idle_drain=settings.idle_drain),
        )
        try:
            yield service
        finally:
            await service.close()


def _same_certificate(one: Listener, other: Listener) -> bool:
    """Return whether two states of a listener serve TLS in the same way."""
    return (one.protocol, one.certificate_arn, one.ssl_policy) == (
        other.protocol,
        other.certificate_arn,
        other.ssl_policy,
    )
