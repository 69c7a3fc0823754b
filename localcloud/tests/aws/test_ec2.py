"""EC2's network at the endpoint, by boto3."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws.conftest import AwsEndpoint

pytestmark = pytest.mark.stand_in

_CLOUDFRONT = "com.amazonaws.global.cloudfront.origin-facing"


def test_the_default_vpc_has_public_subnets_in_several_zones(endpoint: AwsEndpoint) -> None:
    ec2 = endpoint.client("ec2")
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    by_vpc = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    subnets = ec2.describe_subnets(Filters=by_vpc)["Subnets"]
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) >= 2
    assert all(subnet["MapPublicIpOnLaunch"] for subnet in subnets)
    [table] = ec2.describe_route_tables(Filters=by_vpc)["RouteTables"]
    assert any(
        route.get("DestinationCidrBlock") == "0.0.0.0/0" and route["GatewayId"].startswith("igw-")
        for route in table["Routes"]
    )


def test_a_security_groups_rules_have_ids(endpoint: AwsEndpoint) -> None:
    ec2 = endpoint.client("ec2")
    group = _security_group(ec2)
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "callers"}],
    }
    [rule] = ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[permission],
        TagSpecifications=[
            {"ResourceType": "security-group-rule", "Tags": [{"Key": "Project", "Value": "x"}]}
        ],
    )["SecurityGroupRules"]
    rule_id = rule["SecurityGroupRuleId"]
    [described] = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule_id])[
        "SecurityGroupRules"
    ]
    assert (described["GroupId"], described["IsEgress"], described["FromPort"]) == (
        group,
        False,
        443,
    )
    assert described["Tags"] == [{"Key": "Project", "Value": "x"}]
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule_id])
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0][
        "IpPermissions"
    ] == []  # fmt: skip
    ec2.delete_security_group(GroupId=group)


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_a_rule_that_exists_is_refused(endpoint: AwsEndpoint, direction: str) -> None:
    ec2 = endpoint.client("ec2")
    group = _security_group(ec2)
    authorize = getattr(ec2, f"authorize_security_group_{direction}")
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
    }
    authorize(GroupId=group, IpPermissions=[permission])
    with pytest.raises(ClientError) as refused:
        authorize(GroupId=group, IpPermissions=[permission])
    assert refused.value.response["Error"]["Code"] == "InvalidPermission.Duplicate"
    ec2.delete_security_group(GroupId=group)


def test_a_security_group_that_a_rule_of_another_names_is_not_deleted(
    endpoint: AwsEndpoint,
) -> None:
    ec2 = endpoint.client("ec2")
    named, naming = _security_group(ec2), _security_group(ec2)
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 8080,
        "ToPort": 8080,
        "UserIdGroupPairs": [{"GroupId": named}],
    }
    ec2.authorize_security_group_ingress(GroupId=naming, IpPermissions=[permission])
    with pytest.raises(ClientError) as refused:
        ec2.delete_security_group(GroupId=named)
    assert refused.value.response["Error"]["Code"] == "DependencyViolation"
    ec2.delete_security_group(GroupId=naming)
    ec2.delete_security_group(GroupId=named)


def test_a_rule_keeps_its_kind_of_source(endpoint: AwsEndpoint) -> None:
    ec2 = endpoint.client("ec2")
    group = _security_group(ec2)
    ports = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    [rule] = ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{**ports, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    )["SecurityGroupRules"]

    def modify(**source: str) -> None:
        change = {
            "SecurityGroupRuleId": rule["SecurityGroupRuleId"],
            "SecurityGroupRule": {**ports, **source},
        }
        ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[change])

    [found] = ec2.describe_managed_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": [_CLOUDFRONT]}]
    )["PrefixLists"]
    with pytest.raises(ClientError) as refused:
        modify(PrefixListId=found["PrefixListId"])
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    modify(CidrIpv4="10.1.0.0/16")
    [modified] = ec2.describe_security_group_rules(
        SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]]
    )["SecurityGroupRules"]
    assert modified["CidrIpv4"] == "10.1.0.0/16"
    ec2.delete_security_group(GroupId=group)


def test_a_filter_that_would_be_ignored_is_refused(endpoint: AwsEndpoint) -> None:
    with pytest.raises(ClientError) as refused:
        endpoint.client("ec2").describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.0.0.0/8"]}])
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert "'cidr'" in refused.value.response["Error"]["Message"]


def test_cloudfronts_addresses_are_a_managed_prefix_list(endpoint: AwsEndpoint) -> None:
    ec2 = endpoint.client("ec2")
    [found] = ec2.describe_managed_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": [_CLOUDFRONT]}]
    )["PrefixLists"]
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=found["PrefixListId"])["Entries"]
    assert entries


def test_machines_are_refused_by_name(endpoint: AwsEndpoint) -> None:
    with pytest.raises(ClientError) as refused:
        endpoint.client("ec2").run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)
    assert refused.value.response["Error"]["Code"] == "UnsupportedOperation"
    assert "RunInstances" in refused.value.response["Error"]["Message"]


def _security_group(ec2: Any) -> str:  # noqa: ANN401 - boto3's client
    name = f"group-{uuid.uuid4()}"
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    created = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc["VpcId"])
    return str(created["GroupId"])


def test_a_rule_keeps_its_prefix_list(endpoint: AwsEndpoint) -> None:
    ec2 = endpoint.client("ec2")
    group = _security_group(ec2)
    [found] = ec2.describe_managed_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": [_CLOUDFRONT]}]
    )["PrefixLists"]
    source = {"PrefixListId": found["PrefixListId"], "Description": "CloudFront"}
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "PrefixListIds": [source]}
    [rule] = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])[
        "SecurityGroupRules"
    ]
    [described] = ec2.describe_security_group_rules(
        SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]]
    )["SecurityGroupRules"]
    assert (described["PrefixListId"], described["Description"]) == tuple(source.values())
    with pytest.raises(ClientError, match="one prefix list in a permission"):
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{**permission, "PrefixListIds": [source, source]}]
        )
    ec2.delete_security_group(GroupId=group)
