"""Decides where the tasks and the load balancer run, from what a VPC has. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from components.hosting.fargate import settings

# Source: CreateLoadBalancer in the Elastic Load Balancing API reference.
_ZONES: Final = 2


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet as EC2 describes it."""

    id: str
    vpc_id: str
    zone: str


@dataclass(frozen=True, kw_only=True)
class RouteTable:
    """A route table as EC2 describes it.

    Attributes:
        main: whether it is the VPC's main table, which every other subnet uses.
        subnet_ids: the subnets that use it explicitly.
        default_route: where everything goes that isn't in the VPC, such as igw-… or nat-…; empty
            without such a route.
    """

    main: bool
    subnet_ids: frozenset[str]
    default_route: str


@dataclass(frozen=True, kw_only=True)
class Vpc:
    """A VPC with what is relevant of it.

    Attributes:
        subnets: the default VPC's default subnets, or the configured ones that exist in any VPC.
        route_tables: the VPC's route tables.
    """

    id: str
    subnets: tuple[Subnet, ...]
    route_tables: tuple[RouteTable, ...]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where the tasks and the load balancer run.

    Attributes:
        subnet_ids: the tasks' subnets.
        assign_public_ip: whether a task has a public address, without which it reaches nothing
            from a public subnet.
    """

    vpc_id: str
    subnet_ids: tuple[str, ...]
    load_balancer_subnet_ids: tuple[str, ...]
    assign_public_ip: bool


@dataclass(frozen=True, kw_only=True)
class NetworkProblem:
    """What is wrong with a network.

    Attributes:
        key: the part of the configuration key network; empty for the whole.
        message: the end of a sentence that begins with the key.
    """

    key: str
    message: str


def place(
    vpc: Vpc, configured: settings.Network | None, *, internal: bool
) -> Placement | tuple[NetworkProblem, ...]:
    """Return where everything runs, or all problems with the network.

    Args:
        vpc: what exists.
        configured: the configuration; None for the default VPC.
        internal: whether the load balancer has no public address.
    """
    known = {subnet.id: subnet for subnet in vpc.subnets}
    if configured is None:
        tasks = balancers = tuple(known)
    else:
        tasks = configured.subnet_ids
        balancers = configured.load_balancer_subnet_ids or tasks
    problems = [*_task_problems(vpc, known, tasks)]
    problems += _load_balancer_problems(vpc, known, balancers, internal=internal)
    if configured is None or not configured.load_balancer_subnet_ids:
        # The same subnets: each problem once.
        problems = list({each.message: each for each in reversed(problems)}.values())[::-1]
    else:
        problems += _zone_problems(known, tasks, balancers)
    if problems:
        return tuple(problems)
    return Placement(
        vpc_id=vpc.id,
        subnet_ids=tasks,
        load_balancer_subnet_ids=balancers,
        assign_public_ip=all(_is_public(vpc, each) for each in tasks),
    )


def _task_problems(
    vpc: Vpc, known: dict[str, Subnet], subnets: Sequence[str]
) -> Iterator[NetworkProblem]:
    key = "subnetIds"
    yield from _common_problems(vpc, known, subnets, key)
    present = [each for each in subnets if each in known]
    public = [each for each in present if _is_public(vpc, each)]
    private = [each for each in present if each not in public]
    if public and private:
        yield NetworkProblem(
            key=key,
            message=(
                "must be all public or all private: an internet gateway is the way out of"
                f" {_listed(public)} and not of {_listed(private)}, and a service assigns public"
                " addresses to all its tasks or to none"
            ),
        )
    closed = [each for each in private if not _default_route(vpc, each)]
    if closed:
        yield NetworkProblem(
            key=key,
            message=(
                f"have no way out of {_listed(closed)}: without a default route, for example to a"
                " NAT gateway, tasks can't pull the image, write their log or reach the database"
            ),
        )


def _load_balancer_problems(
    vpc: Vpc, known: dict[str, Subnet], subnets: Sequence[str], *, internal: bool
) -> Iterator[NetworkProblem]:
    key = "loadBalancerSubnetIds"
    yield from _common_problems(vpc, known, subnets, key)
    present = [each for each in subnets if each in known]
    zones = Counter(known[each].zone for each in present)
    for zone in sorted(zone for zone, count in zones.items() if count > 1):
        yield NetworkProblem(
            key=key,
            message=(
                f"must be one in each zone for a load balancer, and {zone} has"
                f" {_listed(each for each in present if known[each].zone == zone)}"
            ),
        )
    private = [each for each in present if not _is_public(vpc, each)]
    if private and not internal:
        yield NetworkProblem(
            key=key,
            message=(
                "must be public for a load balancer with serviceDomain: no internet gateway is the"
                f" way out of {_listed(private)}"
            ),
        )


def _common_problems(
    vpc: Vpc, known: dict[str, Subnet], subnets: Sequence[str], key: str
) -> Iterator[NetworkProblem]:
    missing = [each for each in subnets if each not in known]
    if missing:
        yield NetworkProblem(
            key=key, message=f"must exist in the stack's region, which has no {_listed(missing)}"
        )
    foreign = [each for each in subnets if each in known and known[each].vpc_id != vpc.id]
    if foreign:
        yield NetworkProblem(
            key=key,
            message=f"must be in one VPC, {vpc.id}, and {_listed(foreign)} isn't in it",
        )
    zones = {known[each].zone for each in subnets if each in known}
    if not missing and len(zones) < _ZONES:
        found = ", ".join(sorted(zones)) or "none"
        yield NetworkProblem(key=key, message=f"must be in at least two zones, not {found}")


def _zone_problems(
    known: dict[str, Subnet], tasks: Sequence[str], balancers: Sequence[str]
) -> Iterator[NetworkProblem]:
    served = {known[each].zone for each in balancers if each in known}
    zones = {known[each].zone for each in tasks if each in known}
    if served and (unserved := sorted(zones - served)):
        yield NetworkProblem(
            key="loadBalancerSubnetIds",
            message=(
                f"must include {_listed(unserved)}, where tasks run: a load balancer sends no"
                " requests to other zones than its own"
            ),
        )


def _is_public(vpc: Vpc, subnet: str) -> bool:
    return _default_route(vpc, subnet).startswith("igw-")


def _default_route(vpc: Vpc, subnet: str) -> str:
    explicit = [each for each in vpc.route_tables if subnet in each.subnet_ids]
    tables = explicit or [each for each in vpc.route_tables if each.main]
    return tables[0].default_route if tables else ""


def _listed(items: Iterable[str]) -> str:
    return ", ".join(items)
