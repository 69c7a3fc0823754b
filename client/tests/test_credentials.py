import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo4j_mcp_client import (
    ClientCredentials,
    ConfigurationError,
    FixedCredentials,
    Neo4jMcp,
    source_from_environment,
)
from neo4j_mcp_client.credentials import require_tls
from neo4j_mcp_client.secrets_manager import SecretsManagerSource, region_of

SECRET = {
    "clientId": "client-1",
    "clientSecret": "s3cret",
    "tokenUrl": "https://auth.example/oauth2/token",
    "scopes": ["neo4j-mcp/reader", "neo4j-mcp/writer"],
    "mcpUrl": "https://server.example/mcp",
}
ENVIRONMENT = {
    "NEO4J_MCP_CLIENT_ID": "client-1",
    "NEO4J_MCP_CLIENT_SECRET": "s3cret",
    "NEO4J_MCP_TOKEN_URL": "https://auth.example/oauth2/token",
    "NEO4J_MCP_SCOPES": "neo4j-mcp/reader neo4j-mcp/writer",
    "NEO4J_MCP_URL": "https://server.example/mcp",
}
ARN = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:reader-abc"


def test_a_secret_and_the_environment_say_the_same() -> None:
    read = ClientCredentials.from_json(json.dumps(SECRET))
    assert read == ClientCredentials.from_environment(ENVIRONMENT)
    assert read.scopes == ("neo4j-mcp/reader", "neo4j-mcp/writer")
    assert read.client_secret == "s3cret"


def test_the_secret_is_not_in_repr() -> None:
    assert "s3cret" not in repr(FixedCredentials(ClientCredentials.from_json(json.dumps(SECRET))))


def test_all_missing_fields_are_reported_at_once() -> None:
    with pytest.raises(ConfigurationError, match="clientSecret, scopes, mcpUrl must be"):
        ClientCredentials.from_json(json.dumps(SECRET | {"scopes": "a", "mcpUrl": ""} | _no()))
    with pytest.raises(
        ConfigurationError, match=r"lacks NEO4J_MCP_CLIENT_SECRET, NEO4J_MCP_URL.*SECRET_ARN"
    ):
        ClientCredentials.from_environment(
            ENVIRONMENT | {"NEO4J_MCP_URL": "", "NEO4J_MCP_CLIENT_SECRET": ""}
        )


def _no() -> dict[str, Any]:
    return {"clientSecret": None}


@given(st.text() | st.from_type(dict).map(str) | st.just('["s3cret"]'))
def test_a_malformed_secret_is_an_error_that_doesnt_show_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        ClientCredentials.from_json(text)
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_scopes_may_be_missing_from_the_environment() -> None:
    variables = {name: value for name, value in ENVIRONMENT.items() if "SCOPES" not in name}
    assert ClientCredentials.from_environment(variables).scopes == ()


def test_an_arn_in_the_environment_comes_first() -> None:
    source = source_from_environment(ENVIRONMENT | {"NEO4J_MCP_SECRET_ARN": ARN})
    assert isinstance(source, SecretsManagerSource)
    assert source.arn == ARN
    assert isinstance(source_from_environment(ENVIRONMENT), FixedCredentials)


def test_a_client_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with Neo4jMcp.from_environment() as neo4j:
        assert neo4j.url == ENVIRONMENT["NEO4J_MCP_URL"]


@pytest.mark.parametrize("url", ["https://a.example/x", "http://localhost:1", "http://127.0.0.1/"])
def test_addresses_where_secrets_are_safe(url: str) -> None:
    require_tls(url, "tokenUrl")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://a.example/", "is plain HTTP to a.example"),
        ("http://localhost.a.example/", "is plain HTTP"),
        ("http://10.0.0.1/", "is plain HTTP"),
        ("ftp://a.example/", "isn't an https:// URL"),
        ("https://", "isn't an https:// URL"),
        ("a.example", "isn't an https:// URL"),
        ("", "isn't an https:// URL"),
        ("https://[::1", "isn't an https:// URL"),
        ("https://a.example:0/", "isn't an https:// URL"),
        ("https://a.example:99999/", "isn't an https:// URL"),
        ("https://a.example\\@b.example/", "isn't an https:// URL"),
        ("https://a.example\t.b.example/", "isn't an https:// URL"),
        ("https://a.example /", "isn't an https:// URL"),
        ("https://a.example\uff0f.b.example/", "isn't an https:// URL"),
    ],
)
def test_addresses_where_secrets_are_not_safe(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=f"tokenUrl {says}"):
        ClientCredentials.from_json(json.dumps(SECRET | {"tokenUrl": url or "x"}))


@pytest.mark.parametrize("url", ["https://a.example@b.example/", "http://a:b@localhost/"])
def test_a_user_name_that_hides_the_host_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"user name before its host, (b|local)"):
        require_tls(url, "mcpUrl")


@pytest.mark.parametrize(
    ("arn", "region"), [(ARN, "eu-west-1"), ("reader", None), ("arn:aws:x", None)]
)
def test_the_region_is_the_arns(arn: str, region: str | None) -> None:
    assert region_of(arn) == region
