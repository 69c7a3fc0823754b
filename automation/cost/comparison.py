"""Compares what hosts cost under the same load. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from automation.cost.estimate import Line, Total, estimate_host
from automation.cost.hosts import HOSTS, Host, find_hosts
from automation.cost.monitoring import canary_runs
from automation.cost.traffic import has_edge
from automation.cost.usage import Load, Resource
from components.settings import Hosting


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A host of a comparison.

    Attributes:
        host: with its size.
        deployed: whether the stack has it; another has its default settings.
        lines: what it costs.
    """

    host: Host
    deployed: bool
    lines: tuple[Line, ...]

    @property
    def total(self) -> Total:
        """What it costs in a month."""
        return Total.of(self.lines)


def compare(
    resources: Sequence[Resource], hostings: Iterable[Hosting], load: Load
) -> tuple[Candidate, ...]:
    """Compare a stack's own host with others, which have their default settings."""
    own = {host.hosting: host for host in find_hosts(resources)}
    edge, runs = has_edge(resources), canary_runs(resources)
    others = {each: HOSTS[each].by_default(edge=edge) for each in hostings if each not in own}
    return tuple(
        Candidate(host=host, deployed=hosting in own, lines=estimate_host(host, load, runs))
        for hosting, host in (own | others).items()
    )
