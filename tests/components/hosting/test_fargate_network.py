from dataclasses import replace

import pytest

from components.hosting.fargate.network import (
    NetworkProblem,
    Placement,
    RouteTable,
    Subnet,
    Vpc,
    place,
)
from components.hosting.fargate.settings import Network

VPC_ID = "vpc-00000001"
PUBLIC = {"subnet-0000000a": "a", "subnet-0000000b": "b"}
PRIVATE = {"subnet-0000000c": "a", "subnet-0000000d": "b"}
CLOSED = {"subnet-0000000e": "a", "subnet-0000000f": "b"}


def subnets(zones: dict[str, str], vpc_id: str = VPC_ID) -> tuple[Subnet, ...]:
    return tuple(Subnet(id=each, vpc_id=vpc_id, zone=zones[each]) for each in zones)


def table(zones: dict[str, str], default_route: str, *, main: bool = False) -> RouteTable:
    return RouteTable(main=main, subnet_ids=frozenset(zones), default_route=default_route)


VPC = Vpc(
    id=VPC_ID,
    subnets=(*subnets(PUBLIC), *subnets(PRIVATE), *subnets(CLOSED)),
    route_tables=(
        table({}, "igw-1", main=True),
        table(PRIVATE, "nat-1"),
        table(CLOSED, ""),
    ),
)
DEFAULT_VPC = replace(VPC, subnets=subnets(PUBLIC))


def configured(tasks: dict[str, str], balancers: dict[str, str] | None = None) -> Network:
    return Network(
        vpcId=VPC_ID,
        subnetIds=tuple(tasks),
        loadBalancerSubnetIds=None if balancers is None else tuple(balancers),
    )


def problems(vpc: Vpc, network: Network | None, *, internal: bool = False) -> list[NetworkProblem]:
    found = place(vpc, network, internal=internal)
    assert not isinstance(found, Placement)
    return list(found)


def test_the_default_vpc_gives_tasks_a_public_address() -> None:
    placed = place(DEFAULT_VPC, None, internal=False)

    assert placed == Placement(
        vpc_id=VPC_ID,
        subnet_ids=tuple(PUBLIC),
        load_balancer_subnet_ids=tuple(PUBLIC),
        assign_public_ip=True,
    )


def test_tasks_in_private_subnets_have_no_public_address() -> None:
    placed = place(VPC, configured(PRIVATE, PUBLIC), internal=False)

    assert isinstance(placed, Placement)
    assert placed.assign_public_ip is False
    assert placed.subnet_ids == tuple(PRIVATE)
    assert placed.load_balancer_subnet_ids == tuple(PUBLIC)


def test_an_internal_load_balancer_may_be_in_private_subnets() -> None:
    assert isinstance(place(VPC, configured(PRIVATE), internal=True), Placement)


def test_a_public_load_balancer_needs_public_subnets() -> None:
    (problem,) = problems(VPC, configured(PRIVATE))

    assert problem.key == "loadBalancerSubnetIds"
    assert "must be public for a load balancer with serviceDomain" in problem.message


def test_subnets_without_a_way_out_are_refused_by_name() -> None:
    (problem,) = problems(VPC, configured(CLOSED), internal=True)

    assert problem.key == "subnetIds"
    assert "no way out of subnet-0000000e, subnet-0000000f" in problem.message


def test_public_and_private_subnets_cannot_be_mixed() -> None:
    mixed = {"subnet-0000000a": "a", "subnet-0000000d": "b"}
    (problem,) = problems(VPC, configured(mixed, PUBLIC))

    assert "must be all public or all private" in problem.message


@pytest.mark.parametrize("internal", [True, False])
def test_one_zone_is_not_enough(internal: bool) -> None:
    one = {"subnet-0000000a": "a", "subnet-0000001a": "a"}
    vpc = replace(VPC, subnets=(*VPC.subnets, *subnets({"subnet-0000001a": "a"})))

    messages = [each.message for each in problems(vpc, configured(one), internal=internal)]
    assert "must be in at least two zones, not a" in messages


def test_a_load_balancer_takes_one_subnet_of_each_zone() -> None:
    vpc = replace(VPC, subnets=(*VPC.subnets, *subnets({"subnet-0000001a": "a"})))
    (problem,) = problems(vpc, configured({**PUBLIC, "subnet-0000001a": "a"}))

    assert problem.key == "loadBalancerSubnetIds"
    assert "a has subnet-0000000a, subnet-0000001a" in problem.message


def test_the_load_balancer_has_to_be_in_the_zones_of_the_tasks() -> None:
    third = {"subnet-0000001c": "c"}
    vpc = replace(
        VPC,
        subnets=(*VPC.subnets, *subnets(third)),
        route_tables=(*VPC.route_tables, table(third, "nat-1")),
    )
    (problem,) = problems(vpc, configured({**PRIVATE, **third}, PUBLIC))

    assert problem.key == "loadBalancerSubnetIds"
    assert "must include c" in problem.message


def test_subnets_of_another_vpc_are_refused() -> None:
    other = {"subnet-0000001a": "a"}
    vpc = replace(VPC, subnets=(*VPC.subnets, *subnets(other, "vpc-00000002")))
    found = problems(vpc, configured({**other, "subnet-0000000b": "b"}))

    assert "must be in one VPC, vpc-00000001, and subnet-0000001a isn't in it" in {
        each.message for each in found
    }


def test_subnets_that_do_not_exist_are_refused_by_name() -> None:
    found = problems(VPC, configured({"subnet-0000000a": "a", "subnet-00000099": "b"}))

    assert [each.message for each in found] == [
        "must exist in the stack's region, which has no subnet-00000099"
    ]


def test_all_problems_are_reported_at_once() -> None:
    network = configured({"subnet-0000000e": "a", "subnet-00000099": "b"}, PRIVATE)
    found = {(each.key, each.message.partition(" of ")[0]) for each in problems(VPC, network)}

    assert {key for key, _ in found} == {"subnetIds", "loadBalancerSubnetIds"}
    assert len(found) == 3


def test_a_default_vpc_without_enough_subnets_is_refused() -> None:
    vpc = replace(DEFAULT_VPC, subnets=DEFAULT_VPC.subnets[:1])

    assert [each.message for each in problems(vpc, None)] == [
        "must be in at least two zones, not a"
    ]


def test_an_explicit_route_table_replaces_the_main_one() -> None:
    closed_main = replace(VPC, route_tables=(table({}, "", main=True), table(PUBLIC, "igw-1")))

    assert isinstance(place(closed_main, configured(PUBLIC), internal=False), Placement)
    messages = [each.message for each in problems(closed_main, configured(PRIVATE), internal=True)]
    assert any("no way out" in each for each in messages)
