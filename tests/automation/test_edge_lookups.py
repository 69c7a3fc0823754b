"""What a killed deployment began of the edge is found again by its name."""

import datetime as dt
from typing import Any

import pytest

from automation.edge_lookups import EDGE_LOOKUPS
from automation.sessions import Clients, clients
from tests.automation.preflight.plans import stubbed

NAME = "neo4j-mcp-dev-edge"
THEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def find(token: str, aws: Clients, inputs: dict[str, Any]) -> list[str]:
    return list(EDGE_LOOKUPS[token](aws, inputs))


def listed(*items: dict[str, Any], more: str = "") -> dict[str, Any]:
    page = {"Marker": "", "MaxItems": 100, "Quantity": len(items), "IsTruncated": bool(more)}
    return {**page, "Items": list(items), **({"NextMarker": more} if more else {})}


def vpc_origin(identifier: str, name: str) -> dict[str, Any]:
    return {
        "Id": identifier,
        "Name": name,
        "Status": "Deployed",
        "CreatedTime": THEN,
        "LastModifiedTime": THEN,
        "Arn": f"arn:aws:cloudfront::111122223333:vpcorigin/{identifier}",
        "AccountId": "111122223333",
        "OriginEndpointArn": "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/a",
    }


def test_a_distribution_is_found_by_its_comment() -> None:
    class Pages:
        def paginate(self) -> list[dict[str, Any]]:
            other, own = ({"Id": each, "Comment": each} for each in ("other", NAME))
            return [{"DistributionList": {}}, {"DistributionList": {"Items": [other, own]}}]

    class CloudFront:
        def get_paginator(self, operation: str) -> Pages:
            assert operation == "list_distributions"
            return Pages()

    token = "aws:cloudfront/distribution:Distribution"
    assert find(token, lambda _service: CloudFront(), {"comment": NAME}) == [NAME]


def test_a_vpc_origin_is_found_on_a_later_page() -> None:
    aws, stub = stubbed("cloudfront")
    first = listed(vpc_origin("vo_1", "other"), more="vo_1")
    stub.add_response("list_vpc_origins", {"VpcOriginList": first}, {})
    second = listed(vpc_origin("vo_2", NAME))
    stub.add_response("list_vpc_origins", {"VpcOriginList": second}, {"Marker": "vo_1"})

    inputs = {"vpcOriginEndpointConfig": {"name": NAME}}
    assert find("aws:cloudfront/vpcOrigin:VpcOrigin", aws, inputs) == ["vo_2"]
    stub.assert_no_pending_responses()


def test_a_web_acl_is_found_on_a_later_page() -> None:
    aws, stub = stubbed("wafv2")
    scope = {"Scope": "CLOUDFRONT"}
    first = {"WebACLs": [{"Name": "other", "Id": "1"}], "NextMarker": "more"}
    stub.add_response("list_web_acls", first, scope)
    second = {"WebACLs": [{"Name": NAME, "Id": "2"}]}
    stub.add_response("list_web_acls", second, {**scope, "NextMarker": "more"})

    inputs = {"name": NAME, "scope": "CLOUDFRONT"}
    assert find("aws:wafv2/webAcl:WebAcl", aws, inputs) == ["2"]
    stub.assert_no_pending_responses()


@pytest.mark.parametrize(("service", "region"), [("wafv2", "us-east-1"), ("ecs", "eu-west-1")])
def test_web_acls_of_distributions_are_in_us_east_1(service: str, region: str) -> None:
    assert clients({}, profile=None, region="eu-west-1")(service).meta.region_name == region
