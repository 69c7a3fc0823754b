"""Looks up the network on AWS, and stops the deployment if the service can't run there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.configuration import ConfigurationError
from components.hosting.fargate.network import (
    NetworkProblem,
    Placement,
    RouteTable,
    Subnet,
    Vpc,
    place,
)
from components.hosting.fargate.settings import FargateSettings, Network
from components.problems import Problem, command_to_remove, command_to_set, problem_at
from components.settings import StackSettings

# Source: "Locations and IP address ranges of CloudFront edge servers" in the Amazon CloudFront
# Developer Guide.
_CLOUDFRONT = "com.amazonaws.global.cloudfront.origin-facing"
_EVERYWHERE = "0.0.0.0/0"


def find_placement(settings: StackSettings) -> Placement:
    """Return where the service runs.

    Raises:
        ConfigurationError: it can't run there.
    """
    keys = _Keys(project=pulumi.get_project(), host=settings.host_path)
    host = settings.host_as(FargateSettings)
    problems = [*_certificate_problems(keys, host)]
    vpc = _configured_vpc(host.network) if host.network else _default_vpc()
    placed = place(vpc, host.network, internal=host.service_domain is None) if vpc else None
    if isinstance(placed, Placement) and not problems:
        return placed
    if placed is None:
        problems.append(_no_vpc(keys, host.network))
    elif not isinstance(placed, Placement):
        problems += (_unusable(keys, host.network, each) for each in placed)
    raise ConfigurationError(pulumi.get_stack(), problems)


def find_cloudfront_addresses() -> str:
    """Return the id of the prefix list with the addresses that CloudFront connects from."""
    found = aws.ec2.get_managed_prefix_list(name=_CLOUDFRONT)
    return found.id


@dataclass(frozen=True, kw_only=True)
class _Keys:
    """Where the host's keys are set.

    Attributes:
        project: the project's name.
        host: the key that has them as parts; empty where they are keys of the stack.
    """

    project: str
    host: tuple[str, ...]

    def problem(self, path: tuple[str, ...], message: str) -> Problem:
        """Return the problem of a key, which setting it fixes."""
        path = (*self.host, *path)
        return problem_at(self.project, path, message, command_to_set(self.project, path))

    def problem_of_optional(
        self, path: tuple[str, ...], message: str, removed: tuple[str, ...]
    ) -> Problem:
        """Return the problem of a key, which setting it or removing a key fixes."""
        path = (*self.host, *path)
        remove = command_to_remove(self.project, (*self.host, *removed))
        return problem_at(self.project, path, message, command_to_set(self.project, path), remove)


def _certificate_problems(keys: _Keys, host: FargateSettings) -> Iterator[Problem]:
    if host.service_domain is None:
        return
    region = aws.get_region().region
    found = host.service_domain.certificate_arn.split(":")[3]
    if found != region:
        message = f"must be a certificate in {region}, the stack's region, not in {found}"
        yield keys.problem(("serviceDomain", "certificateArn"), message)


def _no_vpc(keys: _Keys, configured: Network | None) -> Problem:
    if configured is None:
        return keys.problem(("network",), "isn't set, and the region has no default VPC")
    message = f"must exist in the stack's region, which has no {configured.vpc_id}"
    return keys.problem_of_optional(("network", "vpcId"), message, removed=("network",))


def _unusable(keys: _Keys, configured: Network | None, problem: NetworkProblem) -> Problem:
    if configured is None:
        message = f"isn't set, and the default VPC's subnets {problem.message}"
        return keys.problem(("network",), message)
    return keys.problem(("network", problem.key), problem.message)


def _default_vpc() -> Vpc | None:
    vpcs = aws.ec2.get_vpcs(filters=[aws.ec2.GetVpcsFilterArgs(name="is-default", values=["true"])])
    if not vpcs.ids:
        return None
    return _vpc(
        vpcs.ids[0],
        [
            aws.ec2.GetSubnetsFilterArgs(name="vpc-id", values=[vpcs.ids[0]]),
            aws.ec2.GetSubnetsFilterArgs(name="default-for-az", values=["true"]),
        ],
    )


def _configured_vpc(configured: Network) -> Vpc | None:
    wanted = aws.ec2.GetVpcsFilterArgs(name="vpc-id", values=[configured.vpc_id])
    vpcs = aws.ec2.get_vpcs(filters=[wanted])
    if not vpcs.ids:
        return None
    ids = {*configured.subnet_ids, *(configured.load_balancer_subnet_ids or ())}
    by_id = aws.ec2.GetSubnetsFilterArgs(name="subnet-id", values=sorted(ids))
    return _vpc(configured.vpc_id, [by_id])


def _vpc(vpc_id: str, subnets: list[aws.ec2.GetSubnetsFilterArgs]) -> Vpc:
    ids = aws.ec2.get_subnets(filters=subnets).ids
    return Vpc(
        id=vpc_id,
        subnets=tuple(_subnet(each) for each in sorted(ids)),
        route_tables=tuple(
            _route_table(each) for each in aws.ec2.get_route_tables(vpc_id=vpc_id).ids
        ),
    )


def _subnet(subnet_id: str) -> Subnet:
    found = aws.ec2.get_subnet(id=subnet_id)
    return Subnet(id=found.id, vpc_id=found.vpc_id, zone=found.availability_zone)


def _route_table(table_id: str) -> RouteTable:
    found = aws.ec2.get_route_table(route_table_id=table_id)
    routes = [each for each in found.routes if each.cidr_block == _EVERYWHERE]
    return RouteTable(
        main=any(each.main for each in found.associations),
        subnet_ids=frozenset(each.subnet_id for each in found.associations if each.subnet_id),
        default_route=next((_target(each) for each in routes), ""),
    )


def _target(route: aws.ec2.outputs.GetRouteTableRouteResult) -> str:
    """Return what a route leads to; EC2 sets exactly one of these."""
    targets = (
        route.gateway_id,
        route.nat_gateway_id,
        route.transit_gateway_id,
        route.vpc_peering_connection_id,
        route.network_interface_id,
        route.instance_id,
        route.carrier_gateway_id,
        route.local_gateway_id,
        route.core_network_arn,
        route.vpc_endpoint_id,
    )
    return next((each for each in targets if each), "")
