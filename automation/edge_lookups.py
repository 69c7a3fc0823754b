"""Finds the edge's resources by the names in their inputs, after a killed run."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from automation.sessions import Clients

Values = Mapping[str, Any]


def _distributions(aws: Clients, inputs: Values) -> Iterator[str]:
    pages = aws("cloudfront").get_paginator("list_distributions")
    for page in pages.paginate():
        for each in page["DistributionList"].get("Items") or []:
            if each["Comment"] == inputs["comment"]:
                yield each["Id"]


def _vpc_origins(aws: Clients, inputs: Values) -> Iterator[str]:
    wanted = inputs["vpcOriginEndpointConfig"]["name"]
    marker: dict[str, str] = {}
    while True:
        listed = aws("cloudfront").list_vpc_origins(**marker)["VpcOriginList"]
        for each in listed.get("Items") or []:
            if each["Name"] == wanted:
                yield each["Id"]
        if not listed["IsTruncated"]:
            return
        marker = {"Marker": listed["NextMarker"]}


def _web_acls(aws: Clients, inputs: Values) -> Iterator[str]:
    marker: dict[str, str] = {}
    while True:
        listed = aws("wafv2").list_web_acls(Scope=inputs["scope"], **marker)
        for each in listed["WebACLs"]:
            if each["Name"] == inputs["name"]:
                yield each["Id"]
        if not listed.get("NextMarker"):
            return
        marker = {"NextMarker": listed["NextMarker"]}


EDGE_LOOKUPS: Final[Mapping[str, Callable[[Clients, Values], Iterator[str]]]] = {
    "aws:cloudfront/distribution:Distribution": _distributions,
    "aws:cloudfront/vpcOrigin:VpcOrigin": _vpc_origins,
    "aws:wafv2/webAcl:WebAcl": _web_acls,
}
"""Return the ids of the resources that may be the one with these inputs, by type."""
