import asyncio
import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from components.edge_function import LARGEST_FUNCTION, function_code
from components.endpoints import Endpoints, endpoints, hosted_domain_url
from components.settings import EndpointOverrides
from localcloud.aws.cloudfront.function_events import Invocation, ViewerRequest, event_of
from localcloud.aws.cloudfront.function_runtime import FunctionRuntime
from localcloud.progress import Progress
from localcloud.toolchains import ensure_node

pytestmark = pytest.mark.program

EDGE = "d111111abcdef8.cloudfront.net"
PROTECTED_RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
POOL = "us-east-1_Example01"
METADATA = f'resource_metadata="https://{EDGE}{PROTECTED_RESOURCE}/mcp"'
EXPIRED = f'Bearer error="invalid_token", error_description="The access token expired", {METADATA}'


def pool_endpoints(domain: str = "neo4j-mcp-dev") -> Endpoints:
    return endpoints(
        pool_endpoint=f"cognito-idp.us-east-1.amazonaws.com/{POOL}",
        domain_url=hosted_domain_url(domain, "us-east-1"),
        overrides=EndpointOverrides(),
    )


def run(
    path: str, *, method: str = "POST", headers: Mapping[str, str] | None = None, host: str = EDGE
) -> dict[str, Any]:
    """Return what the function returns for a viewer's request."""
    request = ViewerRequest(
        method=method, path=path, query="", headers=(("Host", host), *(headers or {}).items())
    )
    event = event_of(
        request,
        Invocation(distribution="E1", domain_name=EDGE, request_id="1", viewer="192.0.2.1"),
    )
    code = function_code(pool_endpoints(), mcp_path="/mcp")

    async def result() -> dict[str, Any]:
        runtime = FunctionRuntime(str(ensure_node(Progress())))
        try:
            found: dict[str, Any] = await runtime.run(code, event)
        finally:
            await runtime.close()
        return found

    return asyncio.run(result())


def token(claims: object) -> str:
    parts = ({"alg": "RS256"}, claims)
    encoded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    ]
    return ".".join((*encoded, "c2lnbmF0dXJl"))


def document(response: Mapping[str, Any]) -> dict[str, Any]:
    assert response["statusCode"] == 200
    assert response["headers"]["content-type"] == {"value": "application/json"}
    assert response["body"]["encoding"] == "text"
    content: dict[str, Any] = json.loads(response["body"]["data"])
    return content


def is_passed_on(result: Mapping[str, Any]) -> bool:
    return "statusCode" not in result and "uri" in result


@pytest.mark.parametrize("path", [PROTECTED_RESOURCE, f"{PROTECTED_RESOURCE}/mcp"])
def test_the_protected_resource_names_the_edge_as_its_authorization_server(path: str) -> None:
    assert document(run(path, method="GET")) == {
        "resource": f"https://{EDGE}/mcp",
        "authorization_servers": [f"https://{EDGE}"],
        "bearer_methods_supported": ["header"],
    }


def test_the_authorization_server_has_the_pools_endpoints_and_no_scopes() -> None:
    metadata = document(run(SERVER, method="GET"))

    domain = "https://neo4j-mcp-dev.auth.us-east-1.amazoncognito.com"
    assert metadata["issuer"] == f"https://{EDGE}"
    assert metadata["token_endpoint"] == f"{domain}/oauth2/token"
    assert metadata["authorization_endpoint"] == f"{domain}/oauth2/authorize"
    assert metadata["jwks_uri"] == (
        f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}/.well-known/jwks.json"
    )
    assert metadata["grant_types_supported"] == ["client_credentials"]
    assert "scopes_supported" not in metadata


def test_the_documents_have_the_name_under_which_the_edge_was_called() -> None:
    found = document(run(PROTECTED_RESOURCE, method="GET", host="mcp.example.com"))

    assert found["resource"] == "https://mcp.example.com/mcp"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_without_a_token_is_refused_with_the_metadatas_address(method: str) -> None:
    response = run("/mcp", method=method)

    assert response["statusCode"] == 401
    assert response["headers"]["www-authenticate"] == {"value": f"Bearer {METADATA}"}
    assert response["body"]["data"].startswith("A token is required. ")
    assert response["headers"]["cache-control"] == {"value": "no-store"}


def test_an_expired_token_is_refused_as_invalid() -> None:
    expired = token({"exp": int(time.time()) - 1})

    response = run("/mcp", headers={"authorization": f"Bearer {expired}"})

    assert response["statusCode"] == 401
    assert response["headers"]["www-authenticate"] == {"value": EXPIRED}
    assert response["body"]["data"].startswith("The access token expired. ")
    assert expired not in json.dumps(response)


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("Bearer " + token({"exp": 2**33}), id="a valid token"),
        pytest.param("Bearer " + token({"sub": "x"}), id="a token without a time"),
        pytest.param("Bearer " + token({"exp": "1"}), id="a time that is text"),
        pytest.param("Bearer " + token(None), id="null for claims"),
        pytest.param("Bearer " + token([]), id="a list for claims"),
        pytest.param("Bearer a.b.c", id="three parts that aren't JSON"),
        pytest.param("Bearer opaque", id="an opaque token"),
        pytest.param("Bearer ", id="no token after the scheme"),
        pytest.param("Basic dXNlcjpwYXNzd29yZA==", id="another scheme"),
    ],
)
def test_whatever_has_not_expired_is_left_to_the_server(authorization: str) -> None:
    result = run("/mcp", headers={"authorization": authorization, "accept": "application/json"})

    assert is_passed_on(result)
    assert result["headers"]["authorization"] == {"value": authorization}
    assert result["headers"]["accept"] == {"value": "application/json"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", "/mcp"),
        ("GET", "/healthz"),
        ("GET", "/mcp/other"),
        ("GET", f"{PROTECTED_RESOURCE}/other"),
        ("POST", PROTECTED_RESOURCE),
        ("GET", "/.well-known/openid-configuration"),
    ],
)
def test_other_requests_are_passed_on(method: str, path: str) -> None:
    result = run(path, method=method)

    assert is_passed_on(result)
    assert result["uri"] == path


def test_the_code_is_smaller_than_cloudfront_accepts_with_the_longest_addresses() -> None:
    # Sources: cognito-idp DomainType and UserPoolIdType, for the lengths.
    longest = endpoints(
        pool_endpoint=f"cognito-idp.ap-southeast-7.amazonaws.com/{'p' * 55}",
        domain_url=f"https://{'d' * 63}.auth.ap-southeast-7.amazoncognito.com",
        overrides=EndpointOverrides(),
    )

    code = function_code(longest, mcp_path="/mcp")

    assert len(code.encode()) <= LARGEST_FUNCTION
