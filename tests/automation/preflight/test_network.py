"""Whether vpcConnector's subnets and groups exist and belong together, before a deployment."""

from dataclasses import replace

import pytest

from automation.preflight.findings import PreflightError
from automation.preflight.network import check_network
from tests.automation.preflight.plans import plan, stubbed

CONNECTION = {
    "subnetIds": ["subnet-0000000a", "subnet-0000000b"],
    "securityGroupIds": ["sg-0000000a"],
}
HOSTS = ("apprunner", "lambda")


def _subnets(*zones: str, vpc: str = "vpc-1") -> dict[str, object]:
    subnets = [
        {"SubnetId": each, "VpcId": vpc, "AvailabilityZone": zone}
        for each, zone in zip(CONNECTION["subnetIds"], zones, strict=True)
    ]
    return {"Subnets": subnets}


def _groups(vpc: str = "vpc-1") -> dict[str, object]:
    return {"SecurityGroups": [{"GroupId": "sg-0000000a", "VpcId": vpc}]}


@pytest.mark.parametrize("host", HOSTS)
def test_parts_of_one_vpc_in_several_zones_are_right(host: str) -> None:
    clients, stub = stubbed("ec2")
    stub.add_response(
        "describe_subnets", _subnets("a", "b"), {"SubnetIds": CONNECTION["subnetIds"]}
    )
    stub.add_response("describe_security_groups", _groups(), {"GroupIds": ["sg-0000000a"]})

    assert list(check_network(plan({"hosting": host, "vpcConnector": CONNECTION}), clients)) == []
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("host", HOSTS)
def test_without_a_connection_nothing_is_looked_up(host: str) -> None:
    clients, _ = stubbed("ec2")

    assert list(check_network(plan({"hosting": host}), clients)) == []


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("describe_subnets", "InvalidSubnetID.NotFound"),
        ("describe_security_groups", "InvalidGroup.NotFound"),
    ],
)
def test_a_missing_part_is_an_error_with_the_key(operation: str, code: str) -> None:
    clients, stub = stubbed("ec2")
    if operation != "describe_subnets":
        stub.add_response("describe_subnets", _subnets("a", "b"))
    stub.add_client_error(operation, code, "The ID 'x' does not exist")

    with pytest.raises(PreflightError) as raised:
        list(check_network(plan({"vpcConnector": CONNECTION}), clients))

    assert "The ID 'x' does not exist" in str(raised.value)
    assert "vpcConnector.subnetIds" in str(raised.value)


def test_parts_of_several_vpcs_are_an_error() -> None:
    clients, stub = stubbed("ec2")
    stub.add_response("describe_subnets", _subnets("a", "b"))
    stub.add_response("describe_security_groups", _groups("vpc-2"))

    with pytest.raises(
        PreflightError, match="sg-0000000a in vpc-2, subnet-0000000a in vpc-1"
    ) as raised:
        list(check_network(plan({"vpcConnector": CONNECTION}), clients))

    assert "pulumi config set --stack dev --path 'vpcConnector.securityGroupIds[0]' sg-" in str(
        raised.value
    )


def test_the_next_hosts_connection_is_a_part_of_nexthost() -> None:
    clients, stub = stubbed("ec2")
    stub.add_client_error("describe_subnets", "InvalidSubnetID.NotFound", "The ID 'x'")
    moving = plan({"nextHost": {"hosting": "lambda", "vpcConnector": CONNECTION}})
    other = replace(moving, settings=moving.settings.on_other_host())

    with pytest.raises(PreflightError, match=r"^nextHost\.vpcConnector names") as raised:
        list(check_network(other, clients))

    assert "--path 'nextHost.vpcConnector.subnetIds[0]' subnet-" in str(raised.value)


def test_a_single_zone_is_a_notice() -> None:
    clients, stub = stubbed("ec2")
    stub.add_response("describe_subnets", _subnets("a", "a"))
    stub.add_response("describe_security_groups", _groups())

    (notice,) = check_network(plan({"vpcConnector": CONNECTION}), clients)

    assert "in the zone a" in notice


def test_a_missing_permission_is_a_notice() -> None:
    clients, stub = stubbed("ec2")
    stub.add_client_error("describe_subnets", "UnauthorizedOperation", "not authorized")

    (notice,) = check_network(plan({"vpcConnector": CONNECTION}), clients)

    assert "isn't known" in notice
