"""Probes of security groups, and of App Runner's VPC connectors, in the default VPC."""

from typing import Any, Final

from automation.probes.families.sources import DOC_APP_RUNNER, DOC_EC2, REPORT, doc
from automation.probes.kinds import SECURITY_GROUP, VPC_CONNECTOR
from automation.probes.observations import REFUSED, Observation, Unanswered
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

SECURITY_GROUPS: Final = Family("ec2")
VPC_CONNECTORS: Final = Family("apprunner", "ec2")
_SOURCE: Final = "198.51.100.0/24"
"""Addresses for documentation (RFC 5737), which nobody has."""


def _default_vpc(box: Sandbox) -> str:
    """Return the id of the default VPC."""
    filters = [{"Name": "is-default", "Values": ["true"]}]
    vpcs = box.client("ec2").describe_vpcs(Filters=filters)["Vpcs"]
    if not vpcs:
        raise Unanswered("the region has no default VPC")
    return str(vpcs[0]["VpcId"])


def _group(box: Sandbox, suffix: str) -> str:
    """Create a security group without rules for incoming traffic, and return its id."""
    group: str = box.client("ec2").create_security_group(
        GroupName=f"{box.name}-{suffix}",
        Description="probe",
        VpcId=_default_vpc(box),
        TagSpecifications=[{"ResourceType": "security-group", "Tags": box.tags}],
    )["GroupId"]
    box.owns(SECURITY_GROUP, group)
    return group


def _permission(**source: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - boto3's
    return [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **source}]


@SECURITY_GROUPS.probe(
    "ec2-security-group-rules",
    rows=["Security group rule that exists", "Kind of a security group rule's source"],
    documented={
        "rule that exists": "InvalidPermission.Duplicate",
        "another kind of source": REFUSED,
    },
    source=doc(f"{DOC_EC2}/API_AuthorizeSecurityGroupIngress.html"),
)
def _rules(box: Sandbox) -> Observation:
    """How is a rule refused that exists, or a change of a rule's kind of source?"""
    ec2 = box.client("ec2")
    group, other = _group(box, "a"), _group(box, "b")
    permissions = _permission(IpRanges=[{"CidrIp": _SOURCE}])

    def allow() -> Any:  # noqa: ANN401 - boto3's
        return ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permissions)

    [rule] = allow()["SecurityGroupRules"]
    change = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "ReferencedGroupId": other}
    code = box.outcome(
        lambda: ec2.modify_security_group_rules(
            GroupId=group,
            SecurityGroupRules=[
                {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": change}
            ],
        )
    )
    return {
        "rule that exists": box.outcome(allow),
        "another kind of source": code,
    }


@SECURITY_GROUPS.probe(
    "ec2-security-group-in-use",
    rows=["Security group that a load balancer or a rule uses"],
    documented={"named by a rule": "DependencyViolation"},
    source=doc(f"{DOC_EC2}/API_DeleteSecurityGroup.html"),
)
def _in_use(box: Sandbox) -> Observation:
    """How is the deletion of a security group refused that a rule names?"""
    ec2 = box.client("ec2")
    named = _group(box, "named")
    naming = _group(box, "naming")
    ec2.authorize_security_group_ingress(
        GroupId=naming, IpPermissions=_permission(UserIdGroupPairs=[{"GroupId": named}])
    )
    return {"named by a rule": box.outcome(lambda: ec2.delete_security_group(GroupId=named))}


@VPC_CONNECTORS.probe(
    "apprunner-vpc-connectors",
    rows=[
        "VPC connector with the name, or the security groups, of another",
        "Deleted VPC connector in a description",
    ],
    documented={
        "status": "ACTIVE",
        "revision": 1,
        "the same name": "InvalidRequestException",
        "the same security groups": "InvalidRequestException",
        "deleted": "INACTIVE",
    },
    source=f"{doc(f'{DOC_APP_RUNNER}/api/API_VpcConnector.html')}; {REPORT}",
    differs=["deleted"],
    seconds=30,
)
def _vpc_connectors(box: Sandbox) -> Observation:
    """How is a VPC connector refused with the name, or the security groups, of another?"""
    client = box.client("apprunner")
    filters = [{"Name": "vpc-id", "Values": [_default_vpc(box)]}]
    subnet = box.client("ec2").describe_subnets(Filters=filters)["Subnets"][0]["SubnetId"]
    group, other = _group(box, "a"), _group(box, "b")

    def create(suffix: str, security_group: str) -> dict[str, Any]:
        created: dict[str, Any] = client.create_vpc_connector(
            VpcConnectorName=f"{box.name}-{suffix}",
            Subnets=[subnet],
            SecurityGroups=[security_group],
            Tags=box.tags,
        )["VpcConnector"]
        box.owns(VPC_CONNECTOR, created["VpcConnectorArn"])
        return created

    first = create("a", group)
    same_name = box.outcome(create, "a", other)
    same_groups = box.outcome(create, "b", group)
    client.delete_vpc_connector(VpcConnectorArn=first["VpcConnectorArn"])
    deleted: list[str] = []

    def describe() -> None:
        found = client.describe_vpc_connector(VpcConnectorArn=first["VpcConnectorArn"])
        deleted.append(found["VpcConnector"]["Status"])

    code = box.outcome(describe)
    return {
        "status": first["Status"],
        "revision": first["VpcConnectorRevision"],
        "the same name": same_name,
        "the same security groups": same_groups,
        "deleted": deleted[0] if deleted else code,
    }
