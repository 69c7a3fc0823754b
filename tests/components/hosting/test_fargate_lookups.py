import json
from typing import Any

import pytest

from components.configuration import ConfigurationError
from components.hosting.fargate.lookups import find_placement
from components.hosting.fargate.network import Placement
from tests.components.conftest import MakeSettings
from tests.components.mocks import ACCOUNT, REGION, SUBNETS, VPC_ID, run_program

DOMAIN = {
    "name": "mcp.example.com",
    "certificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0-1",
}
NETWORK = {"vpcId": VPC_ID, "subnetIds": list(SUBNETS)[:2]}


def find(make_settings: MakeSettings, **values: Any) -> Placement:  # noqa: ANN401  any configured value
    settings = make_settings(hosting="fargate", **{"serviceDomain": DOMAIN, **values})
    found: list[Placement] = []

    def program() -> dict[str, Any]:
        found.append(find_placement(settings))
        return {}

    run_program(program)
    return found[0]


def problems(make_settings: MakeSettings, **values: Any) -> dict[str, str]:  # noqa: ANN401  any configured value
    with pytest.raises(ConfigurationError) as caught:
        find(make_settings, **values)
    assert all(problem.commands for problem in caught.value.problems)
    return {problem.key: problem.message for problem in caught.value.problems}


def test_without_a_network_the_default_vpc_is_looked_up(make_settings: MakeSettings) -> None:
    placement = find(make_settings)

    assert (placement.vpc_id, placement.subnet_ids) == (VPC_ID, tuple(SUBNETS))
    assert placement.assign_public_ip


def test_a_configured_network_is_looked_up(make_settings: MakeSettings) -> None:
    assert find(make_settings, network=NETWORK).subnet_ids == tuple(NETWORK["subnetIds"])


def test_a_vpc_that_does_not_exist_is_refused_by_name(make_settings: MakeSettings) -> None:
    missing = {**NETWORK, "vpcId": "vpc-00000099"}

    assert problems(make_settings, network=missing) == {
        "neo4j-mcp:network.vpcId": "must exist in the stack's region, which has no vpc-00000099"
    }


def test_all_problems_with_a_network_and_a_certificate_are_reported_at_once(
    make_settings: MakeSettings,
) -> None:
    subnets = {**NETWORK, "subnetIds": [next(iter(SUBNETS)), "subnet-00000099"]}
    elsewhere = json.loads(json.dumps(DOMAIN).replace(REGION, "eu-west-1"))

    found = problems(make_settings, network=subnets, serviceDomain=elsewhere)
    assert set(found) == {"neo4j-mcp:network.subnetIds", "neo4j-mcp:serviceDomain.certificateArn"}
    assert "has no subnet-00000099" in found["neo4j-mcp:network.subnetIds"]
    assert f"in {REGION}" in found["neo4j-mcp:serviceDomain.certificateArn"]
