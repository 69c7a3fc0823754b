"""What EC2 supports here, and what it refuses and ministack doesn't. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree import ElementTree as ET

from localcloud.aws.protocol import ApiError

_TAGS: Final = ("tag-key", "tag:")
_FILTERS: Final[Mapping[str, frozenset[str]]] = {
    "DescribeAvailabilityZones": frozenset(),
    "DescribeInternetGateways": frozenset({"attachment.vpc-id", "internet-gateway-id"}),
    "DescribeManagedPrefixLists": frozenset({"owner-id", "prefix-list-id", "prefix-list-name"}),
    "DescribeNatGateways": frozenset({"state", "subnet-id", "vpc-id"}),
    "DescribeRouteTables": frozenset(
        {"association.main", "association.route-table-association-id", "association.subnet-id"}
        | {"vpc-id"}
    ),
    "DescribeSecurityGroupRules": frozenset({"group-id", "security-group-rule-id"}),
    "DescribeSecurityGroups": frozenset({"group-name", "vpc-id"}),
    "DescribeSubnets": frozenset({"availability-zone", "default-for-az", "subnet-id", "vpc-id"}),
    "DescribeTags": frozenset({"key", "resource-id", "resource-type", "value"}),
    "DescribeVpcAttribute": frozenset(),
    "DescribeVpcs": frozenset({"is-default", "vpc-id"}),
}
"""The operations that read, with the filters that ministack applies; it ignores others."""
_SOURCES: Final = {
    "CidrIpv4": "cidrIpv4",
    "CidrIpv6": "cidrIpv6",
    "PrefixListId": "prefixListId",
    "ReferencedGroupId": "referencedGroupInfo",
}
"""The kinds of sources of a security group rule, in a request and in a response."""
_CHANGES: Final = frozenset(
    {
        "AssociateRouteTable",
        "AttachInternetGateway",
        "AuthorizeSecurityGroupEgress",
        "AuthorizeSecurityGroupIngress",
        "CreateInternetGateway",
        "CreateRoute",
        "CreateRouteTable",
        "CreateSecurityGroup",
        "CreateSubnet",
        "CreateTags",
        "CreateVpc",
        "DeleteInternetGateway",
        "DeleteRoute",
        "DeleteRouteTable",
        "DeleteSecurityGroup",
        "DeleteSubnet",
        "DeleteTags",
        "DeleteVpc",
        "DetachInternetGateway",
        "DisassociateRouteTable",
        "GetManagedPrefixListEntries",
        "ModifySecurityGroupRules",
        "ModifySubnetAttribute",
        "ModifyVpcAttribute",
        "RevokeSecurityGroupEgress",
        "RevokeSecurityGroupIngress",
    }
)


def require_supported(form: Mapping[str, str]) -> None:
    """Refuse an operation or a filter that the stand-in doesn't have.

    Raises:
        ApiError: UnsupportedOperation or InvalidParameterValue, with the name.
    """
    action = form.get("Action", "")
    if action not in _CHANGES and action not in _FILTERS:
        raise ApiError(
            "UnsupportedOperation",
            f"The stand-in's EC2 has only the network's operations, and not {action}.",
        )
    if any(".PrefixListIds.2." in name for name in form):
        raise ApiError(
            "InvalidParameterValue",
            "The stand-in's EC2 accepts one prefix list in a permission: use one for each.",
        )
    for name in _filter_names(form):
        if name not in _FILTERS.get(action, ()) and not name.startswith(_TAGS):
            raise ApiError(
                "InvalidParameterValue",
                f"The filter '{name}' is invalid: the stand-in's {action} doesn't have it.",
            )


def rule_ids(response: ET.Element) -> set[str]:
    """Return the ids of the security group rules in a response."""
    return {each.text or "" for each in response.iter() if _tag(each) == "securityGroupRuleId"}


def groups_that_name(response: ET.Element, group: str) -> list[str]:
    """Return the security groups in a response with a rule that names another group."""
    return [
        own
        for item in _children(response, "securityGroupInfo")
        if (own := _text(item, "groupId")) != group
        and any(
            _text(pair, "groupId") == group
            for permissions in ("ipPermissions", "ipPermissionsEgress")
            for permission in _children(item, permissions)
            for pair in _children(permission, "groups")
        )
    ]


def check_rule_kinds(form: Mapping[str, str], existing: ET.Element) -> None:
    """Refuse a change of security group rules to another kind of source.

    Args:
        form: a request for ModifySecurityGroupRules.
        existing: the group's rules, from DescribeSecurityGroupRules.

    Raises:
        ApiError: InvalidParameterValue (API reference, SecurityGroupRuleRequest).
    """
    kinds = {
        _text(item, "securityGroupRuleId"): {_tag(each) for each in item}
        for item in _children(existing, "securityGroupRuleSet")
    }
    for name, rule_id in form.items():
        prefix, _, member = name.rpartition(".")
        if not name.startswith("SecurityGroupRule.") or member != "SecurityGroupRuleId":
            continue
        for requested, described in _SOURCES.items():
            is_requested = f"{prefix}.SecurityGroupRule.{requested}" in form
            if is_requested and described not in kinds.get(rule_id, {described}):
                raise ApiError(
                    "InvalidParameterValue",
                    f"The type of rule {rule_id} can't be changed to {requested}",
                )


def _filter_names(form: Mapping[str, str]) -> Iterator[str]:
    for name, value in form.items():
        if name.startswith("Filter.") and name.endswith(".Name"):
            yield value


def _children(parent: ET.Element, name: str) -> list[ET.Element]:
    return [child for each in parent if _tag(each) == name for child in each]


def _text(parent: ET.Element, name: str) -> str:
    return next((each.text or "" for each in parent if _tag(each) == name), "")


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
