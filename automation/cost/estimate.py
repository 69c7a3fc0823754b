"""Estimates what a stack costs in a month, without calls and under a load. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from automation.cost import clients, monitoring, storage, traffic
from automation.cost.hosts import Host, find_hosts
from automation.cost.prices import Price
from automation.cost.usage import IDLE, Group, Load, Resource, Usage
from components.settings import Hosting


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of an estimate.

    Attributes:
        what: what is used.
        idle: how much of it in a month without calls, in the price's units.
        loaded: how much of it in a month under the load.
        assumes: why it is so much under the load.
    """

    group: Group
    what: str
    idle: Decimal
    loaded: Decimal
    price: Price
    assumes: str

    @property
    def idle_usd(self) -> Decimal:
        """What it costs in a month without calls."""
        return self.price.of(self.idle)

    @property
    def loaded_usd(self) -> Decimal:
        """What it costs in a month under the load."""
        return self.price.of(self.loaded)


@dataclass(frozen=True, kw_only=True)
class Total:
    """What several lines cost together in a month, in US dollars."""

    idle: Decimal
    loaded: Decimal

    @classmethod
    def of(cls, lines: Iterable[Line]) -> "Total":
        """Add lines."""
        every = tuple(lines)
        return cls(
            idle=sum((each.idle_usd for each in every), Decimal()),
            loaded=sum((each.loaded_usd for each in every), Decimal()),
        )


def estimate(
    resources: Iterable[Resource], load: Load, serving: Hosting | None = None
) -> tuple[Line, ...]:
    """Estimate a month of a stack.

    Args:
        serving: the host that callers use while the stack moves, and so has two.
    """
    every = tuple(resources)
    # Without a host there is nobody to call.
    called = load if any(find_hosts(every)) else IDLE
    return _lines(_usages(every, IDLE, serving), _usages(every, called, serving))


def estimate_host(host: Host, load: Load, canary_runs: Decimal = Decimal()) -> tuple[Line, ...]:
    """Estimate a month of a host alone.

    Args:
        canary_runs: of a month; 0 without a canary.
    """
    without, under = IDLE.with_runs(canary_runs), load.with_runs(canary_runs)
    return _lines(host.usages(without), host.usages(under))


def _lines(idle: Iterable[Usage], loaded: Iterable[Usage]) -> tuple[Line, ...]:
    """Pair what is used without calls with what is used under the load."""
    lines = (
        Line(
            group=under.group,
            what=under.what,
            idle=without.quantity,
            loaded=under.quantity,
            price=under.price,
            assumes=under.assumes,
        )
        for without, under in zip(idle, loaded, strict=True)
    )
    return tuple(line for line in lines if line.idle or line.loaded)


def _usages(resources: Sequence[Resource], load: Load, serving: Hosting | None) -> Iterator[Usage]:
    runs = monitoring.canary_runs(resources)
    for host in find_hosts(resources):
        called = serving in {None, host.hosting}
        yield from host.usages(load.with_runs(runs) if called else IDLE)
    yield from traffic.usages(resources, load)
    yield from clients.usages(resources, load)
    yield from storage.usages(resources, load)
    yield from monitoring.usages(resources)
