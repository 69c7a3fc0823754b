"""Whether CloudFront can reach an internal load balancer, before a deployment."""

import pytest

from automation.preflight.findings import PreflightError
from automation.preflight.runner import run_preflights
from automation.preflight.vpc_origin import check_vpc_origin
from tests.automation.preflight.plans import plan, stubbed

VPC = "vpc-0000000a"
NETWORK = {"vpcId": VPC, "subnetIds": ["subnet-0000000a", "subnet-0000000b"]}
INTERNAL = {"hosting": "fargate", "edge": "true", "network": NETWORK}
FILTERS = {"Filters": [{"Name": "attachment.vpc-id", "Values": [VPC]}]}


def test_a_vpc_with_an_internet_gateway_is_right() -> None:
    clients, stub = stubbed("ec2")
    found = {"InternetGateways": [{"InternetGatewayId": "igw-1"}]}
    stub.add_response("describe_internet_gateways", found, FILTERS)

    assert list(run_preflights(plan(INTERNAL), clients)) == []
    stub.assert_no_pending_responses()


def test_a_vpc_without_an_internet_gateway_is_an_error() -> None:
    clients, stub = stubbed("ec2")
    stub.add_response("describe_internet_gateways", {"InternetGateways": []}, FILTERS)

    with pytest.raises(PreflightError, match=f"attach-internet-gateway --vpc-id {VPC}"):
        list(run_preflights(plan(INTERNAL), clients))


def test_the_default_vpc_is_not_looked_up() -> None:
    clients, _ = stubbed("ec2")

    assert list(run_preflights(plan({"hosting": "fargate", "edge": "true"}), clients)) == []


def test_a_public_load_balancer_needs_no_way_from_cloudfront() -> None:
    clients, _ = stubbed("ec2")
    certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/0f"
    domain = {"name": "mcp.example.com", "certificateArn": certificate}

    assert list(check_vpc_origin(plan(INTERNAL | {"serviceDomain": domain}), clients)) == []


def test_a_missing_permission_is_a_notice() -> None:
    clients, stub = stubbed("ec2")
    stub.add_client_error("describe_internet_gateways", "UnauthorizedOperation", "not authorized")

    (notice,) = run_preflights(plan(INTERNAL), clients)

    assert "isn't known" in notice
