from typing import Any

import pytest

from localcloud.aws.ecs.network import has_way_out


def table(
    target: str | None, *, subnet: str | None = None, state: str = "active"
) -> dict[str, Any]:
    association = {"Main": True} if subnet is None else {"SubnetId": subnet, "Main": False}
    member = "NatGatewayId" if target and target.startswith("nat-") else "GatewayId"
    default = {"DestinationCidrBlock": "0.0.0.0/0", member: target, "State": state}
    local = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"}
    return {
        "Associations": [association],
        "Routes": [local] if target is None else [local, default],
    }


@pytest.mark.parametrize(
    ("tables", "public_ip", "expected"),
    [
        ([table("igw-1")], True, True),
        ([table("igw-1")], False, False),
        ([table("nat-1")], False, True),
        ([table(None)], True, False),
        ([], True, False),
        ([table("igw-1"), table("nat-1", subnet="subnet-a")], False, True),
        ([table("nat-1"), table(None, subnet="subnet-a")], False, False),
        ([table("nat-1"), table("igw-1", subnet="subnet-b")], False, True),
        ([table("nat-1", state="blackhole")], False, False),
    ],
)
def test_the_way_out_of_a_subnet(
    tables: list[dict[str, Any]], public_ip: bool, expected: bool
) -> None:
    assert has_way_out(tables, "subnet-a", public_ip=public_ip) is expected
