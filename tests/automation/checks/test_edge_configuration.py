"""The check of the edge's distribution and web ACL, with AWS's answers made up."""

from collections.abc import Mapping
from typing import Any

import pytest

from automation.blanking import Blanker
from automation.checks import CHECKS, runner
from automation.checks.context import Context
from automation.checks.results import Outcome, Result
from components.edge_definition import CACHING_DISABLED, RATE_SECONDS
from tests.components.parsing import parse


def _origin(name: str, port: int) -> dict[str, Any]:
    return {"Id": "host", "DomainName": name, "CustomOriginConfig": {"HTTPSPort": port}}


_COMMENT = "neo4j-mcp-dev-edge"
_EDGE = "https://edge.example/mcp"
_WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/neo4j-mcp-dev-edge/1"
_DISTRIBUTION: dict[str, Any] = {
    "Id": "E1",
    "Comment": _COMMENT,
    "Enabled": True,
    "DefaultCacheBehavior": {
        "ViewerProtocolPolicy": "https-only",
        "CachePolicyId": CACHING_DISABLED,
    },
    "Origins": {"Quantity": 1, "Items": [_origin("service.example", 443)]},
    "Aliases": {"Quantity": 0},
    "WebACLId": "",
}


def _rule(limit: int, **statement: object) -> dict[str, Any]:
    counted = {"AggregateKeyType": "IP", "EvaluationWindowSec": RATE_SECONDS, **statement}
    return {
        "Statement": {"RateBasedStatement": {"Limit": limit, **counted}},
        "Action": {"Block": {}},
    }


class _Stack(Context):
    """A stack with an edge; AWS answers with a distribution and the rules of a web ACL."""

    def __init__(
        self,
        distribution: Mapping[str, Any],
        rules: list[dict[str, Any]],
        settings: Mapping[str, Any],
        *,
        direct_address: bool,
    ) -> None:
        self.stack = "dev"
        self.settings = parse(
            {
                "neo4jUri": "neo4j+s://a.databases.neo4j.io",
                "clients": {"agent": {"scopes": ["reader"]}},
                "edge": True,
                **settings,
            }
        )
        direct = "https://service.example"
        self.outputs = {
            "edgeUrl": _EDGE,
            "serviceUrl": direct,
            "mcpUrl": f"{direct}/mcp" if direct_address else _EDGE,
        }
        self.blanker = Blanker()
        self._distribution = distribution
        self._rules = rules

    def client(self, service: str, *, region: str | None = None) -> Any:  # noqa: ANN401 - as boto3's
        del service, region
        return self

    def list_distributions(self, *, Marker: str | None = None) -> dict[str, Any]:  # noqa: N803 - boto3's
        # One on a page, so that the next page counts.
        if Marker is None:
            other = {**_DISTRIBUTION, "Comment": "another"}
            page = {"Items": [other], "IsTruncated": True, "NextMarker": "2"}
        else:
            page = {"Items": [self._distribution], "IsTruncated": False}
        return {"DistributionList": page}

    def state(self) -> Mapping[str, Any]:
        return {
            "resources": [
                {"type": "aws:lb/targetGroup:TargetGroup", "outputs": {"name": "tasks"}},
                {
                    "type": "aws:lb/loadBalancer:LoadBalancer",
                    "outputs": {"dnsName": "internal.example"},
                },
            ]
        }

    def get_web_acl(self, *, ARN: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert ARN == _WEB_ACL
        return {"WebACL": {"Rules": self._rules}}


def _run(
    rules: list[dict[str, Any]] | None = None,
    changes: Mapping[str, Any] | None = None,
    *,
    direct_address: bool = True,
    **settings: object,
) -> Result:
    distribution = {
        **_DISTRIBUTION,
        "WebACLId": "" if rules is None else _WEB_ACL,
        **(changes or {}),
    }
    stack = _Stack(distribution, rules or [], settings, direct_address=direct_address)
    return runner.run_one(CHECKS["P3-edge-configuration"], stack)


@pytest.mark.parametrize(("rules", "limit"), [(None, 0), ([_rule(500)], 500)])
def test_a_distribution_as_configured_passes(
    rules: list[dict[str, Any]] | None, limit: int
) -> None:
    result = _run(rules, edgeRequestsPerIp=limit)
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        (None, 0),
        ([], 0),
        ([_rule(900)], 900),
        ([_rule(500), _rule(100)], 100),
        ([_rule(500, AggregateKeyType="FORWARDED_IP")], 0),
        ([_rule(500, EvaluationWindowSec=60)], 0),
        ([_rule(500) | {"Action": {"Count": {}}}], 0),
    ],
)
def test_another_limit_fails(rules: list[dict[str, Any]] | None, found: int) -> None:
    result = _run(rules, edgeRequestsPerIp=500)
    assert result.outcome is Outcome.FAILED
    assert result.reason == (
        f"the requests from an IP address in five minutes is {found}, and must be 500"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Enabled": False}, "the distribution E1 is disabled"),
        ({"Comment": "renamed"}, f"there is no distribution with the comment {_COMMENT}"),
        (
            {"Origins": {"Quantity": 1, "Items": [_origin("elsewhere.example", 443)]}},
            (
                "the address that the edge leads to is ['elsewhere.example:443'], and must be"
                " ['service.example:443']"
            ),
        ),
        (
            {"Origins": {"Quantity": 1, "Items": [_origin("service.example", 8443)]}},
            "the address that the edge leads to is ['service.example:8443']",
        ),
        ({"Aliases": {"Quantity": 1, "Items": ["a.example"]}}, "Aliases is ['a.example']"),
        (
            {
                "DefaultCacheBehavior": {
                    **_DISTRIBUTION["DefaultCacheBehavior"],
                    "ViewerProtocolPolicy": "allow-all",
                }
            },
            "ViewerProtocolPolicy is 'allow-all'",
        ),
        (
            {
                "DefaultCacheBehavior": {
                    **_DISTRIBUTION["DefaultCacheBehavior"],
                    "CachePolicyId": "another",
                }
            },
            "CachePolicyId is 'another'",
        ),
    ],
)
def test_another_distribution_fails(changes: Mapping[str, Any], reason: str) -> None:
    result = _run(changes=changes)
    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith(reason)


@pytest.mark.parametrize(
    ("name", "outcome"), [("internal.example", Outcome.PASSED), ("other.example", Outcome.FAILED)]
)
def test_an_edge_that_is_the_only_way_leads_to_the_load_balancer(
    name: str, outcome: Outcome
) -> None:
    origin = {"Id": "host", "DomainName": name, "VpcOriginConfig": {"VpcOriginId": "vo_1"}}
    changes = {"Origins": {"Quantity": 1, "Items": [origin]}}
    result = _run(changes=changes, direct_address=False)
    assert result.outcome is outcome, result.reason
