from typing import Any

import pytest

from localcloud.aws.protocol import ApiError, ServiceProtocol
from localcloud.aws.wafv2 import rules
from localcloud.aws.wafv2.rates import Block, RateRule

VISIBILITY = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": True, "MetricName": "m"}


def rule(name: str = "rate", priority: int = 0, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the API
    return {
        "Name": name,
        "Priority": priority,
        "Action": {"Block": {}},
        "Statement": {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP"}},
        "VisibilityConfig": VISIBILITY,
        **changes,
    }


def rate(**changes: object) -> dict[str, Any]:
    return {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP", **changes}}


def web_acl(*given: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {
        "Name": "limits",
        "Scope": "CLOUDFRONT",
        "DefaultAction": {"Allow": {}},
        "Rules": list(given),
        "VisibilityConfig": VISIBILITY,
        **changes,
    }


def test_rules_are_in_the_order_of_their_priority() -> None:
    found = rules.rate_rules(
        web_acl(
            rule("second", 5),
            rule("first", 1, Action={"Block": {"CustomResponse": {"ResponseCode": 429}}}),
        )
    )

    assert found == (
        RateRule(name="first", limit=100, window=300, block=Block(status=429)),
        RateRule(name="second", limit=100, window=300, block=Block()),
    )


def test_the_default_action_allows_or_blocks() -> None:
    assert rules.default_block(web_acl()) is None
    assert rules.default_block(web_acl(DefaultAction={"Block": {}})) == Block()


@pytest.mark.parametrize(
    "given",
    [
        web_acl(rule(priority=1), rule(priority=2)),
        web_acl(rule("a"), rule("b")),
        web_acl(rule(Statement=rate(EvaluationWindowSec=61))),
        web_acl(DefaultAction={"Allow": {}, "Block": {}}),
        web_acl(DefaultAction={}),
    ],
)
def test_what_waf_refuses_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as error:
        (rules.rate_rules(given), rules.default_block(given))
    assert error.value.code == "WAFInvalidParameterException"


def test_a_limit_below_ten_is_against_the_model() -> None:
    given = web_acl(rule(Statement=rate(Limit=9)))

    with pytest.raises(ApiError, match="greater than or equal to 10"):
        ServiceProtocol("wafv2").validate("CreateWebACL", given)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (web_acl(Scope="REGIONAL"), "REGIONAL"),
        (web_acl(CustomResponseBodies={}), "CustomResponseBodies"),
        (web_acl(rule(Statement={"GeoMatchStatement": {}})), "GeoMatchStatement"),
        (web_acl(rule(Action={"Count": {}})), "Count"),
        (web_acl(rule(Statement=rate(AggregateKeyType="CONSTANT"))), "CONSTANT"),
        (web_acl(rule(Statement=rate(ScopeDownStatement={}))), "ScopeDownStatement"),
    ],
)
def test_what_the_stand_in_lacks_is_refused_by_name(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ApiError, match=named):
        rules.check_supported(given)
