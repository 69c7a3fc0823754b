import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.context import StackContext
from components.edge import ORIGIN_SECONDS, Edge, EdgeArgs
from components.edge_origin import EDGE_OUTPUTS
from components.endpoints import Endpoints
from components.hosting.definitions import DEFINITIONS
from components.hosting.host import InternalOrigin, Origin, PublicOrigin
from components.settings import Hosting
from tests.components.conftest import MakeContext
from tests.components.mocks import ACCOUNT, Result, run_program

FUNCTION = "aws:cloudfront/function:Function"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
WEB_ACL = "aws:wafv2/webAcl:WebAcl"
VPC_ORIGIN = "aws:cloudfront/vpcOrigin:VpcOrigin"
CERTIFICATE_ARN = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/0-1"
DOMAIN = {"name": "mcp.example.com", "certificateArn": CERTIFICATE_ARN}
FUNCTION_ARN = f"arn:aws:cloudfront:us-east-1:{ACCOUNT}:function/neo4j-mcp-dev-edge"


LOAD_BALANCER_ARN = f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:loadbalancer/app/a/0123"


def declare(context: StackContext, service_url: str = "https://a.awsapprunner.com") -> Result:
    return _declare(context, lambda: PublicOrigin(url=pulumi.Output.from_input(service_url)))


def declare_for_load_balancer(context: StackContext) -> Result:
    def origin() -> InternalOrigin:
        return InternalOrigin(
            load_balancer_arn=pulumi.Output.from_input(LOAD_BALANCER_ARN),
            dns_name=pulumi.Output.from_input("internal-a.elb.amazonaws.com"),
            port=80,
        )

    return _declare(context, origin)


def _declare(context: StackContext, origin: Callable[[], Origin]) -> Result:
    # Outputs are made within the program: elsewhere, the SDK opens a loop that nothing closes.
    known = Endpoints(
        issuer="https://pool.example",
        token_url="https://tokens.example/oauth2/token",
        authorize_url="https://tokens.example/oauth2/authorize",
        discovery_url="https://pool.example/.well-known/openid-configuration",
        jwks_url="https://pool.example/.well-known/jwks.json",
    )

    def program() -> dict[str, Any]:
        edge = Edge(
            "edge",
            EdgeArgs(
                context=context,
                origin=origin(),
                endpoints=pulumi.Output.from_input(known),
            ),
        )
        return dict(edge.outputs)

    return run_program(program)


def test_the_distribution_passes_requests_on_and_caches_nothing(make_context: MakeContext) -> None:
    inputs = declare(make_context(edge="true")).one(DISTRIBUTION).inputs

    (origin,) = inputs["origins"]
    assert origin["domainName"] == "a.awsapprunner.com"
    assert origin["customOriginConfig"] == {
        "httpPort": 80,
        "httpsPort": 443,
        "originProtocolPolicy": "https-only",
        "originSslProtocols": ["TLSv1.2"],
        "originReadTimeout": 90,
    }
    behavior = inputs["defaultCacheBehavior"]
    assert behavior["targetOriginId"] == origin["originId"]
    assert behavior["viewerProtocolPolicy"] == "https-only"
    assert behavior["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behavior["originRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    assert {"DELETE", "GET", "POST"} <= set(behavior["allowedMethods"])
    assert behavior["functionAssociations"] == [
        {"eventType": "viewer-request", "functionArn": FUNCTION_ARN}
    ]
    assert inputs["httpVersion"] == "http2and3"


def test_a_load_balancer_in_a_vpc_is_reached_inside_aws(make_context: MakeContext) -> None:
    result = declare_for_load_balancer(make_context(edge="true"))

    assert result.one(VPC_ORIGIN).inputs["vpcOriginEndpointConfig"] == {
        "name": "neo4j-mcp-dev-edge-0123",
        "arn": LOAD_BALANCER_ARN,
        "httpPort": 80,
        "httpsPort": 443,
        "originProtocolPolicy": "http-only",
        "originSslProtocols": {"items": ["TLSv1.2"], "quantity": 1},
    }
    (origin,) = result.one(DISTRIBUTION).inputs["origins"]
    assert origin["domainName"] == "internal-a.elb.amazonaws.com"
    assert origin["vpcOriginConfig"] == {"vpcOriginId": "vo_0123", "originReadTimeout": 90}
    assert not origin.get("customOriginConfig")


def test_another_load_balancer_has_another_vpc_origin(make_context: MakeContext) -> None:
    # CloudFront refuses to change one that a distribution uses.
    declared = declare_for_load_balancer(make_context(edge="true")).one(VPC_ORIGIN)

    assert declared.replace_on_changes == ("vpcOriginEndpointConfig",)
    assert declared.delete_before_replace is False


def test_a_public_host_needs_no_way_into_a_vpc(make_context: MakeContext) -> None:
    assert declare(make_context(edge="true")).of_type(VPC_ORIGIN) == []


def test_the_outputs_are_the_documented_ones(make_context: MakeContext) -> None:
    assert set(declare(make_context(edge="true")).outputs) == set(EDGE_OUTPUTS)


def test_a_hosts_own_port_is_the_origins(make_context: MakeContext) -> None:
    result = declare(make_context(edge="true"), "https://localhost:8443")

    (origin,) = result.one(DISTRIBUTION).inputs["origins"]
    assert (origin["domainName"], origin["customOriginConfig"]["httpsPort"]) == ("localhost", 8443)


def test_the_function_has_the_pools_addresses_and_is_published(make_context: MakeContext) -> None:
    inputs = declare(make_context(edge="true")).one(FUNCTION).inputs

    first, _, rest = inputs["code"].partition("\n")
    assert json.loads(first.removeprefix("const SETTINGS = ").removesuffix(";")) == {
        "tokenUrl": "https://tokens.example/oauth2/token",
        "authorizeUrl": "https://tokens.example/oauth2/authorize",
        "jwksUrl": "https://pool.example/.well-known/jwks.json",
        "mcpPath": "/mcp",
    }
    assert "function handler(event)" in rest
    assert (inputs["runtime"], inputs["publish"]) == ("cloudfront-js-2.0", True)


def test_without_a_domain_the_certificate_is_cloudfronts(make_context: MakeContext) -> None:
    result = declare(make_context(edge="true"))

    inputs = result.one(DISTRIBUTION).inputs
    assert inputs["viewerCertificate"] == {"cloudfrontDefaultCertificate": True}
    assert not inputs.get("aliases")
    assert result.outputs == {
        "edgeUrl": "https://d222222abcdef8.cloudfront.net/mcp",
        "edgeDomainTarget": "d222222abcdef8.cloudfront.net",
    }


def test_a_domain_has_its_certificate_and_a_current_tls_version(make_context: MakeContext) -> None:
    result = declare(make_context(edge="true", edgeDomain=DOMAIN))

    inputs = result.one(DISTRIBUTION).inputs
    assert inputs["aliases"] == ["mcp.example.com"]
    assert inputs["viewerCertificate"] == {
        "acmCertificateArn": CERTIFICATE_ARN,
        "sslSupportMethod": "sni-only",
        "minimumProtocolVersion": "TLSv1.2_2021",
    }
    assert result.outputs == {
        "edgeUrl": "https://mcp.example.com/mcp",
        "edgeDomainTarget": "d222222abcdef8.cloudfront.net",
    }


def test_without_a_limit_there_is_no_web_acl(make_context: MakeContext) -> None:
    result = declare(make_context(edge="true"))

    assert result.of_type(WEB_ACL) == []
    assert not result.one(DISTRIBUTION).inputs.get("webAclId")


def test_a_limit_refuses_an_address_with_429_in_us_east_1(make_context: MakeContext) -> None:
    result = declare(make_context(edge="true", edgeRequestsPerIp="500"))

    inputs = result.one(WEB_ACL).inputs
    assert (inputs["scope"], inputs["region"]) == ("CLOUDFRONT", "us-east-1")
    (rule,) = inputs["rules"]
    assert rule["statement"]["rateBasedStatement"] == {
        "limit": 500,
        "aggregateKeyType": "IP",
        "evaluationWindowSec": 300,
    }
    assert rule["action"]["block"]["customResponse"] == {"responseCode": 429}
    assert not rule["visibilityConfig"]["sampledRequestsEnabled"]
    assert not inputs["visibilityConfig"]["sampledRequestsEnabled"]
    acl = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/neo4j-mcp-dev-edge"
    assert result.one(DISTRIBUTION).inputs["webAclId"] == acl


@pytest.mark.parametrize("protected", [True, False])
def test_the_distribution_is_protected_as_configured(
    make_context: MakeContext, protected: bool
) -> None:
    result = declare(make_context(edge="true", deletionProtection=str(protected).lower()))

    assert result.one(DISTRIBUTION).protect is protected


@pytest.mark.parametrize("hosting", list(Hosting))
def test_cloudfront_waits_longer_than_the_server_answers(hosting: Hosting) -> None:
    # The server ends a call after 60 s, and a host may allow it more time than CloudFront.
    server_seconds = 60

    assert server_seconds < ORIGIN_SECONDS <= 120
    assert DEFINITIONS[hosting].request_seconds >= server_seconds
