"""The subnets, security groups and certificates that load balancers use, read from the account."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from localcloud.aws.account import Account


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet.

    Attributes:
        id: its id.
        vpc_id: its VPC.
        zone: its Availability Zone.
        is_public: whether it has a route to an internet gateway.
    """

    id: str
    vpc_id: str
    zone: str
    is_public: bool


@dataclass(frozen=True, kw_only=True)
class SecurityGroup:
    """A security group."""

    id: str
    vpc_id: str


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate in ACM.

    Attributes:
        status: its status, such as ISSUED.
        names: its domain names.
    """

    status: str
    names: tuple[str, ...]


class Network(Protocol):
    """What load balancers read of the account."""

    async def subnets(self, ids: Sequence[str]) -> list[Subnet]:
        """Return the subnets with these ids that exist."""

    async def security_groups(self, ids: Sequence[str]) -> list[SecurityGroup]:
        """Return the security groups with these ids that exist."""

    async def default_security_group(self, vpc_id: str) -> str:
        """Return the default security group of a VPC."""

    async def has_vpc(self, vpc_id: str) -> bool:
        """Return whether a VPC exists."""

    async def certificate(self, arn: str) -> Certificate | None:
        """Return a certificate; None if it doesn't exist."""


class AccountNetwork:
    """Reads EC2 and ACM through the endpoint."""

    def __init__(self, account: Account) -> None:
        """Create the clients, without a request."""
        self._ec2 = account.client("ec2")
        self._acm = account.client("acm")

    async def subnets(self, ids: Sequence[str]) -> list[Subnet]:
        """Return the subnets with these ids that exist."""

        def read() -> list[Subnet]:
            filters = [{"Name": "subnet-id", "Values": list(ids)}]
            found = self._ec2.describe_subnets(Filters=filters)["Subnets"]
            tables = self._ec2.describe_route_tables()["RouteTables"]
            return [
                Subnet(
                    id=each["SubnetId"],
                    vpc_id=each["VpcId"],
                    zone=each["AvailabilityZone"],
                    is_public=_is_public(each, tables),
                )
                for each in found
            ]

        return await asyncio.to_thread(read)

    async def security_groups(self, ids: Sequence[str]) -> list[SecurityGroup]:
        """Return the security groups with these ids that exist."""

        def read() -> list[SecurityGroup]:
            found = self._ec2.describe_security_groups()["SecurityGroups"]
            return [
                SecurityGroup(id=each["GroupId"], vpc_id=each["VpcId"])
                for each in found
                if each["GroupId"] in ids
            ]

        return await asyncio.to_thread(read)

    async def default_security_group(self, vpc_id: str) -> str:
        """Return the default security group of a VPC."""
        filters = [
            {"Name": "vpc-id", "Values": [vpc_id]},
            {"Name": "group-name", "Values": ["default"]},
        ]
        found = await asyncio.to_thread(self._ec2.describe_security_groups, Filters=filters)
        return str(found["SecurityGroups"][0]["GroupId"])

    async def has_vpc(self, vpc_id: str) -> bool:
        """Return whether a VPC exists."""
        found = await asyncio.to_thread(self._ec2.describe_vpcs)
        return any(each["VpcId"] == vpc_id for each in found["Vpcs"])

    async def certificate(self, arn: str) -> Certificate | None:
        """Return a certificate; None if it doesn't exist."""
        try:
            answer = await asyncio.to_thread(self._acm.describe_certificate, CertificateArn=arn)
        except ClientError:
            return None
        found = answer["Certificate"]
        return Certificate(
            status=found["Status"],
            names=tuple(found.get("SubjectAlternativeNames", [found["DomainName"]])),
        )


def _is_public(subnet: dict[str, Any], tables: Sequence[dict[str, Any]]) -> bool:
    own = [table for table in tables if table["VpcId"] == subnet["VpcId"]]
    explicit = [table for table in own if _is_associated(table, subnet["SubnetId"])]
    main = [table for table in own if any(each.get("Main") for each in table["Associations"])]
    return any(
        str(route.get("GatewayId", "")).startswith("igw-")
        for table in explicit or main
        for route in table["Routes"]
    )


def _is_associated(table: dict[str, Any], subnet_id: str) -> bool:
    return any(each.get("SubnetId") == subnet_id for each in table["Associations"])
