"""Whether the parts of a VPC that vpcConnector names exist and belong together."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.preflight.findings import Plan, PreflightError
from automation.remedies import config_command
from automation.sessions import Clients
from components.hosting.keys import VpcConnection

# Source: "Error codes for the Amazon EC2 API" in the Amazon EC2 Developer Guide.
_MISSING: Final = (
    "InvalidSubnetID.",
    "InvalidGroup.NotFound",
    "InvalidGroupId.",
    "InvalidSecurityGroupID.",
)


@dataclass(frozen=True, kw_only=True)
class Network:
    """What EC2 says about a connection's parts.

    Attributes:
        subnets: the VPC of each subnet.
        zones: the availability zones of the subnets.
        groups: the VPC of each security group.
    """

    subnets: Mapping[str, str]
    zones: Collection[str]
    groups: Mapping[str, str]


def check_network(plan: Plan, clients: Clients) -> Iterator[str]:
    """Look up the subnets and security groups of vpcConnector, if it is set.

    Returns:
        Lines for the user.

    Raises:
        PreflightError: one doesn't exist, or they belong to several VPCs.
    """
    connection: VpcConnection | None = getattr(plan.settings.host, "vpc_connector", None)
    if connection is None:
        return
    try:
        network = _look_up(clients("ec2"), connection)
    except ClientError as error:
        if error.response["Error"]["Code"].startswith(_MISSING):
            raise PreflightError(
                f"{plan.settings.host_key('vpcConnector')} names what doesn't exist in this account"
                f" and region: {error}\n{_fix(plan)}"
            ) from error
        yield f"Whether vpcConnector's parts exist isn't known: {error}"
        return
    if (problem := mixture(network)) is not None:
        raise PreflightError(f"{problem}\n{_fix(plan)}")
    if len(network.zones) == 1:
        (zone,) = network.zones
        yield f"All subnets of vpcConnector are in the zone {zone}: if it fails, every call fails."


def mixture(network: Network) -> str | None:
    """Describe parts that belong to several VPCs; None if all belong to one."""
    places = {**network.subnets, **network.groups}
    if len(set(places.values())) == 1:
        return None
    listed = ", ".join(f"{part} in {vpc}" for part, vpc in sorted(places.items()))
    return f"vpcConnector's subnets and security groups must belong to one VPC: {listed}."


def _fix(plan: Plan) -> str:
    subnets, groups = (
        config_command(plan.stack, f"{plan.settings.host_key('vpcConnector', part)}[0]", example)
        for part, example in (("subnetIds", "subnet-…"), ("securityGroupIds", "sg-…"))
    )
    return (
        "List what there is: aws ec2 describe-subnets, aws ec2 describe-security-groups. Then run:"
        f" {subnets} or {groups}"
    )


def _look_up(ec2: Any, connection: VpcConnection) -> Network:  # noqa: ANN401 - boto3 makes its clients at run time
    subnets = ec2.describe_subnets(SubnetIds=list(connection.subnet_ids))["Subnets"]
    groups = ec2.describe_security_groups(GroupIds=list(connection.security_group_ids))
    return Network(
        subnets={each["SubnetId"]: each["VpcId"] for each in subnets},
        zones={each["AvailabilityZone"] for each in subnets},
        groups={each["GroupId"]: each["VpcId"] for each in groups["SecurityGroups"]},
    )
