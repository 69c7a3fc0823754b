from collections.abc import Callable, Mapping
from typing import Any

import pytest

from localcloud.aws.cloudfront.configuration import (
    ALL_VIEWER_EXCEPT_HOST_HEADER,
    CACHING_DISABLED,
    Surroundings,
    check,
    completed,
    covers,
    routing,
)
from localcloud.aws.protocol import ApiError

FUNCTION = "arn:aws:cloudfront::000000000000:function/edge"
WEB_ACL = "arn:aws:wafv2:us-east-1:000000000000:global/webacl/limits/1"
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/1"


def surroundings(*names: str) -> Surroundings:
    return Surroundings(
        is_live=lambda arn: arn == FUNCTION,
        has_vpc_origin=lambda name: name == "vo_1",
        has_web_acl=lambda arn: arn == WEB_ACL,
        certificate_names=names or None,
    )


def items(*values: object) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)}


def custom(**changes: object) -> dict[str, Any]:
    return {
        "HTTPPort": 80,
        "HTTPSPort": 8443,
        "OriginProtocolPolicy": "https-only",
        **changes,
    }


def origin(**changes: object) -> dict[str, Any]:
    return {"Id": "host", "DomainName": "localhost", "CustomOriginConfig": custom(), **changes}


def config(
    behavior: Mapping[str, Any] | None = None,
    origins: list[dict[str, Any]] | None = None,
    **changes: object,
) -> dict[str, Any]:
    return {
        "CallerReference": "1",
        "Comment": "",
        "Enabled": True,
        "Origins": items(*(origins or [origin()])),
        "DefaultCacheBehavior": {
            "TargetOriginId": "host",
            "ViewerProtocolPolicy": "https-only",
            "CachePolicyId": CACHING_DISABLED,
            "OriginRequestPolicyId": ALL_VIEWER_EXCEPT_HOST_HEADER,
            **(behavior or {}),
        },
        **changes,
    }


def vpc_origin(name: str = "vo_1", **changes: object) -> dict[str, Any]:
    found = origin(DomainName="internal-lb.elb.amazonaws.com", **changes)
    del found["CustomOriginConfig"]
    return {**found, "VpcOriginConfig": {"VpcOriginId": name, "OriginReadTimeout": 90}}


def accepted(given: Mapping[str, Any], *certificate: str) -> bool:
    check(completed(given), surroundings(*certificate))
    return True


def code(given: Mapping[str, Any], *certificate: str) -> str:
    with pytest.raises(ApiError) as error:
        check(completed(given), surroundings(*certificate))
    return error.value.code


def test_the_defaults_are_cloudfronts() -> None:
    complete = completed(config())

    assert accepted(config())
    custom_origin = complete["Origins"]["Items"][0]
    assert custom_origin["ConnectionAttempts"] == 3
    assert custom_origin["ConnectionTimeout"] == 10
    assert custom_origin["CustomOriginConfig"]["OriginReadTimeout"] == 30
    assert set(complete["DefaultCacheBehavior"]["AllowedMethods"]["Items"]) == {"GET", "HEAD"}
    assert complete["ViewerCertificate"]["CertificateSource"] == "cloudfront"


def test_a_routing_has_what_the_configuration_says() -> None:
    association = {"FunctionARN": FUNCTION, "EventType": "viewer-request"}
    given = config(
        {"FunctionAssociations": items(association)},
        [origin(OriginPath="/v1", CustomOriginConfig=custom(OriginReadTimeout=90))],
        WebACLId=WEB_ACL,
    )

    assert accepted(given)
    found = routing(completed(given))
    assert (found.function_arn, found.web_acl_arn, found.https_only) == (FUNCTION, WEB_ACL, True)
    assert (found.origin.port, found.origin.https, found.origin.path) == (8443, True, "/v1")
    assert found.origin.read_seconds == 90


def test_a_vpc_origin_is_reached_by_http() -> None:
    given = config(origins=[vpc_origin()])

    assert accepted(given)
    found = routing(completed(given)).origin
    assert (found.vpc_origin, found.https, found.read_seconds) == ("vo_1", False, 90)


@pytest.mark.parametrize(
    ("name", "value"),
    [("OriginReadTimeout", 120), ("OriginKeepaliveTimeout", 1), ("HTTPPort", 1024)],
)
def test_edges_of_limits_are_accepted(name: str, value: int) -> None:
    assert accepted(config(origins=[origin(CustomOriginConfig=custom(**{name: value}))]))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (config(origins=[origin(Id="other")]), "NoSuchOrigin"),
        (config(origins=[origin(), origin()]), "InvalidArgument"),
        (config(origins=[origin(VpcOriginConfig={"VpcOriginId": "vo_1"})]), "InvalidOrigin"),
        (config(origins=[vpc_origin("vo_2")]), "EntityNotFound"),
        (config(origins=[origin(DomainName="localhost:8443")]), "InvalidArgument"),
        (config(origins=[origin(OriginPath="v1")]), "InvalidArgument"),
        (config(origins=[origin(ConnectionAttempts=4)]), "InvalidArgument"),
        (config(origins=[origin(ConnectionTimeout=11)]), "InvalidArgument"),
        (
            config(origins=[origin(CustomOriginConfig=custom(OriginReadTimeout=121))]),
            "InvalidOriginReadTimeout",
        ),
        (
            config(origins=[origin(CustomOriginConfig=custom(OriginKeepaliveTimeout=0))]),
            "InvalidOriginKeepaliveTimeout",
        ),
        (config(origins=[origin(CustomOriginConfig=custom(HTTPSPort=444))]), "InvalidArgument"),
        (config({"AllowedMethods": items("GET", "POST")}), "InvalidArgument"),
        (
            config(
                {
                    "FunctionAssociations": items(
                        {"FunctionARN": f"{FUNCTION}2", "EventType": "viewer-request"}
                    )
                }
            ),
            "InvalidFunctionAssociation",
        ),
        (
            config(
                {
                    "FunctionAssociations": items(
                        {"FunctionARN": FUNCTION, "EventType": "origin-request"}
                    )
                }
            ),
            "InvalidFunctionAssociation",
        ),
        (config(WebACLId=f"{WEB_ACL}2"), "InvalidWebACLId"),
        (config(Origins={"Quantity": 2, "Items": [origin()]}), "InconsistentQuantities"),
        (config(Aliases=items("mcp.example.com")), "InvalidViewerCertificate"),
    ],
)
def test_what_cloudfront_refuses_is_refused(given: Mapping[str, Any], wanted: str) -> None:
    assert code(given) == wanted


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (config(DefaultRootObject="index.html"), "DefaultRootObject"),
        (config(CacheBehaviors=items({"PathPattern": "*"})), "CacheBehaviors"),
        (config(Logging={"Enabled": True}), "Logging"),
        (
            config(Restrictions={"GeoRestriction": {"RestrictionType": "blacklist"}}),
            "Restrictions",
        ),
        (config(Staging=True), "Staging"),
        (config({"Compress": True, "CachePolicyId": "other"}), "CachingDisabled"),
        (config({"OriginRequestPolicyId": ""}), "AllViewerExceptHostHeader"),
        (config({"ForwardedValues": {"QueryString": True}}), "ForwardedValues"),
        (config({"ResponseHeadersPolicyId": "a"}), "ResponseHeadersPolicyId"),
        (config({"ViewerProtocolPolicy": "redirect-to-https"}), "redirect-to-https"),
        (config({"GrpcConfig": {"Enabled": True}}), "GrpcConfig"),
        (config(origins=[origin(S3OriginConfig={"OriginAccessIdentity": ""})]), "S3OriginConfig"),
        (
            config(
                origins=[
                    origin(CustomOriginConfig=custom(OriginProtocolPolicy="match-viewer")),
                ]
            ),
            "match-viewer",
        ),
    ],
)
def test_what_the_stand_in_lacks_is_refused_by_name(given: Mapping[str, Any], named: str) -> None:
    with pytest.raises(ApiError, match=named):
        check(completed(given), surroundings())


def certified(arn: str = CERTIFICATE, **changes: object) -> dict[str, Any]:
    certificate = {"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only", **changes}
    return config(Aliases=items("mcp.example.com"), ViewerCertificate=certificate)


def test_an_alias_needs_a_certificate_that_covers_it() -> None:
    elsewhere = certified(CERTIFICATE.replace("us-east-1", "eu-west-1"))
    refused: list[Callable[[], str]] = [
        lambda: code(certified()),
        lambda: code(certified(), "other.example.com"),
        lambda: code(elsewhere, "mcp.example.com"),
        lambda: code(certified(SSLSupportMethod="vip"), "mcp.example.com"),
    ]

    assert accepted(certified(), "mcp.example.com")
    assert {each() for each in refused} == {"InvalidViewerCertificate"}


@pytest.mark.parametrize(
    ("name", "alias", "expected"),
    [
        ("mcp.example.com", "MCP.example.com", True),
        ("*.example.com", "mcp.example.com", True),
        ("*.example.com", "a.mcp.example.com", False),
        ("*.example.com", "example.com", False),
    ],
)
def test_a_wildcard_covers_one_label(name: str, alias: str, expected: bool) -> None:
    assert covers([name], alias) is expected
