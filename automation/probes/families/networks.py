"""Probes of EC2's security groups, in the default VPC."""

from typing import Any, Final

from automation.probes.families.sources import DOC_EC2, doc
from automation.probes.kinds import SECURITY_GROUP
from automation.probes.observations import REFUSED, Observation, Unanswered
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

SECURITY_GROUPS: Final = Family("ec2")
_SOURCE: Final = "198.51.100.0/24"
"""Addresses for documentation (RFC 5737), which nobody has."""


def _group(box: Sandbox, suffix: str) -> str:
    """Create a security group without rules for incoming traffic, and return its id."""
    ec2 = box.client("ec2")
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise Unanswered("the region has no default VPC")
    group: str = ec2.create_security_group(
        GroupName=f"{box.name}-{suffix}",
        Description="probe",
        VpcId=vpcs[0]["VpcId"],
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
