"""P3: how clients discover at the edge how to get a token, and that only the edge offers it."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx2
import jwt

from automation.checks.context import request_token
from automation.checks.mcp import call_tool, challenge_of, post
from automation.checks.probe import Probe
from automation.checks.protocol import INITIALIZE
from automation.checks.registry import check
from automation.checks.verdicts import Failed, Skipped, expect, expect_equal, expect_status
from components.edge_definition import CACHING_DISABLED, RATE_SECONDS
from components.edge_origin import origin_address
from components.hosting.host import MCP_PATH

# Sources: RFC 9728 section 3.1, RFC 8414 section 3.1, OpenID Connect Discovery section 4.
_RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource"
_SERVER_METADATA: Final = "/.well-known/oauth-authorization-server"
_OPENID_METADATA: Final = "/.well-known/openid-configuration"
_DISCOVERY_PATHS: Final = tuple(
    path + suffix
    for path in (_RESOURCE_METADATA, _SERVER_METADATA, _OPENID_METADATA)
    for suffix in ("", MCP_PATH)
)
_ONE_ROW: Final = {"query": "RETURN 1 AS one"}
_LONG_AGO: Final = 3600
_LOAD_BALANCER: Final = "aws:lb/loadBalancer:LoadBalancer"


@check("P3-edge-metadata")
def edge_metadata(probe: Probe) -> None:
    """The edge's metadata leads from its address to the token endpoint, without naming scopes."""
    url, origin = _edge(probe)
    outputs = probe.context.outputs
    for path in (_RESOURCE_METADATA, _RESOURCE_METADATA + MCP_PATH):
        resource = _document(probe, origin + path)
        expect_equal(f"the resource in {path}", resource.get("resource"), url)
        servers = resource.get("authorization_servers")
        expect_equal(f"the authorization servers in {path}", servers, [origin])
        _expect_no_scopes(resource, path)
    server = _document(probe, origin + _SERVER_METADATA)
    for name, wanted in (
        ("issuer", origin),
        ("token_endpoint", outputs["tokenUrl"]),
        ("jwks_uri", outputs["jwksUrl"]),
    ):
        expect_equal(f"{name} in {_SERVER_METADATA}", server.get(name), wanted)
    for name, method in (
        ("grant_types_supported", "client_credentials"),
        ("token_endpoint_auth_methods_supported", "client_secret_basic"),
    ):
        expect(method in server.get(name, ()), f"{name} in {_SERVER_METADATA} lacks {method}")
    _expect_no_scopes(server, _SERVER_METADATA)


@check("P3-edge-challenge")
def edge_challenge(probe: Probe) -> None:
    """Without a token, or with an expired one, the edge answers 401 and names its metadata."""
    url, origin = _edge(probe)
    expired = jwt.encode({"exp": int(time.time()) - _LONG_AGO}, "0" * 32, algorithm="HS256")
    for what, token, error in (
        ("a request without a token", None, None),
        ("a request with an expired token", expired, "invalid_token"),
    ):
        response = post(probe.http, url, "initialize", INITIALIZE, token=token)
        expect_status(what, response, HTTPStatus.UNAUTHORIZED)
        parameters = challenge_of(response)
        location = f"{origin}{_RESOURCE_METADATA}{MCP_PATH}"
        expect_equal(
            f"resource_metadata in the challenge to {what}",
            parameters.get("resource_metadata"),
            location,
        )
        expect_equal(f"error in the challenge to {what}", parameters.get("error"), error)


@check("P3-edge-configuration")
def edge_configuration(probe: Probe) -> None:
    """The edge accepts HTTPS only, leads to the host, caches nothing, and limits requests."""
    _edge(probe)
    settings = probe.context.settings
    found = _distribution(probe)
    expect(found["Enabled"], f"the distribution {found['Id']} is disabled")
    behavior = found["DefaultCacheBehavior"]
    expect_equal("ViewerProtocolPolicy", behavior["ViewerProtocolPolicy"], "https-only")
    expect_equal("CachePolicyId", behavior.get("CachePolicyId"), CACHING_DISABLED)
    origins = [_address(each) for each in found["Origins"]["Items"]]
    expect_equal("the address that the edge leads to", origins, [_host_address(probe)])
    domain = settings.edge_domain
    expect_equal("Aliases", found["Aliases"].get("Items") or [], [domain.name] if domain else [])
    expect_equal(
        "the requests from an IP address in five minutes",
        _requests_per_ip(probe, found["WebACLId"]),
        settings.edge_requests_per_ip,
    )


@check("P3-edge-token")
def edge_token(probe: Probe) -> None:
    """Cognito issues a token for the request of an MCP SDK: with `resource`, without scopes."""
    url, _ = _edge(probe)
    context = probe.context
    for name in context.clients:
        credentials = context.credentials(name)
        response = request_token(probe.http, credentials, scopes=(), resource=url)
        if response.status_code != HTTPStatus.OK:
            without = request_token(probe.http, credentials, scopes=())
            raise Failed(_refusal(name, response, without))
        grant = response.json()
        context.blanker.learn(grant["access_token"])
        claims = jwt.decode(grant["access_token"], options={"verify_signature": False})
        expect_equal(
            f"the scopes of {name}'s token",
            sorted(claims.get("scope", "").split()),
            sorted(context.clients[name]["scopes"]),
        )


@check("P3-edge-read")
def edge_read(probe: Probe) -> None:
    """Every client reads rows through the edge."""
    url, _ = _edge(probe)
    context = probe.context
    for name in context.clients:
        result = call_tool(probe.http, url, "read-cypher", _ONE_ROW, token=context.token(name))
        expect(
            not result.refused,
            f"read-cypher refuses {name} at the edge with HTTP {result.status}: {result.text}",
        )


@check("P3-direct-no-discovery")
def direct_no_discovery(probe: Probe) -> None:
    """The direct address has no discovery, which would mislead clients that have a token."""
    context = probe.context
    if not context.has_direct_address:
        raise Skipped("the edge is the only address of this stack")
    for path in _DISCOVERY_PATHS:
        response = probe.http.get(context.outputs["serviceUrl"] + path)
        expect(not response.is_success, f"{path} returns {response.status_code}")
    response = post(probe.http, context.outputs["mcpUrl"], "initialize", INITIALIZE)
    found = challenge_of(response).get("resource_metadata")
    expect(found is None, f"the challenge names the metadata {found}")


def _edge(probe: Probe) -> tuple[str, str]:
    """Return the edge's MCP endpoint and its origin.

    Raises:
        Skipped: the stack has no edge.
    """
    url: str | None = probe.context.outputs.get("edgeUrl")
    if url is None:
        raise Skipped("this stack has no edge (edge: false)")
    return url, url.removesuffix(MCP_PATH)


def _distribution(probe: Probe) -> dict[str, Any]:
    name = probe.context.names.edge_function
    marker: dict[str, Any] = {}
    while True:
        page = probe.aws("cloudfront", "list_distributions", **marker)["DistributionList"]
        for each in page.get("Items") or ():
            if each["Comment"] == name:
                found: dict[str, Any] = each
                return found
        if not page["IsTruncated"]:
            raise Failed(f"there is no distribution with the comment {name}")
        marker = {"Marker": page["NextMarker"]}


def _address(origin: Mapping[str, Any]) -> str:
    custom = origin.get("CustomOriginConfig")
    return f"{origin['DomainName']}:{custom['HTTPSPort']}" if custom else str(origin["DomainName"])


def _host_address(probe: Probe) -> str:
    """Return where the host is reached, as `_address` returns it."""
    context = probe.context
    if context.has_direct_address:
        address = origin_address(context.outputs["serviceUrl"])
        return f"{address.host}:{address.port}"
    # Only the edge reaches this host, so no output has its address.
    names = [
        str(each["outputs"]["dnsName"])
        for each in context.state().get("resources") or []
        if each["type"] == _LOAD_BALANCER and each.get("outputs")
    ]
    if not names:
        raise Failed("the stack has no load balancer that the edge could lead to")
    return names[0]


def _requests_per_ip(probe: Probe, web_acl: str) -> int:
    """Return the lowest limit of a web ACL for one IP address; 0 without one."""
    if not web_acl:
        return 0
    rules = probe.aws("wafv2", "get_web_acl", ARN=web_acl)["WebACL"]["Rules"]
    limits = [
        statement["Limit"]
        for rule in rules
        if (statement := rule["Statement"].get("RateBasedStatement"))
        and statement["AggregateKeyType"] == "IP"
        and statement["EvaluationWindowSec"] == RATE_SECONDS
        and "Block" in rule["Action"]
    ]
    return min(limits, default=0)


def _document(probe: Probe, url: str) -> dict[str, Any]:
    response = probe.http.get(url)
    expect_status(url, response, HTTPStatus.OK)
    content = response.headers.get("content-type", "")
    expect("application/json" in content, f"{url} has the content type {content!r}")
    document = response.json()
    if not isinstance(document, dict):
        raise Failed(f"{url} isn't a JSON object")
    return document


def _expect_no_scopes(document: dict[str, Any], path: str) -> None:
    # A client would request all of them, and Cognito issues no token if it lacks one.
    expect("scopes_supported" not in document, f"{path} lists scopes_supported")


def _refusal(name: str, with_resource: httpx2.Response, without: httpx2.Response) -> str:
    reason = f"{name}'s token request with `resource` returns {with_resource.status_code}"
    if without.status_code == HTTPStatus.OK:
        return (
            f"{reason}, and without it {without.status_code}: see docs/edge.md, If Cognito refuses"
            " `resource`"
        )
    return f"{reason}: {with_resource.text}"
