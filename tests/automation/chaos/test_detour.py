"""Callers connect to a port of this machine, and verify the server's own name there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from automation.chaos.detour import DetouredMcp
from localcloud.certificates import CertificateAuthority
from neo4j_mcp_client import ClientCredentials, TlsError, TokenProvider

HOST = "server.example"
URL = f"https://{HOST}:8443/mcp"


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority.load_or_create(tmp_path / "ca")


@pytest.fixture
def server(authority: CertificateAuthority) -> Iterator[HTTPServer]:
    """A server with a certificate for HOST, and the token endpoint too."""
    with HTTPServer(ssl_context=authority.server_context([HOST, "localhost"])) as server:
        server.expect_request("/oauth2/token").respond_with_json(
            {"access_token": "made-up", "expires_in": 3600}
        )
        rows = [{"type": "text", "text": json.dumps([{"one": 1}])}]
        server.expect_request("/mcp", headers={"Host": f"{HOST}:8443"}).respond_with_json(
            {"jsonrpc": "2.0", "id": 1, "result": {"content": rows, "isError": False}}
        )
        yield server


@pytest.fixture
def tokens(server: HTTPServer, authority: CertificateAuthority) -> TokenProvider:
    credentials = ClientCredentials(
        client_id="made-up",
        client_secret="made-up",
        token_url=server.url_for("/oauth2/token"),
        scopes=(),
        mcp_url=URL,
    )
    return TokenProvider(credentials, ca_bundle=str(authority.certificate_path))


@pytest.fixture(autouse=True)
def environment(authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.certificate_path))
    # Nothing listens there, and a detour doesn't need it.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost")


def test_the_server_gets_its_own_name(server: HTTPServer, tokens: TokenProvider) -> None:
    with DetouredMcp(URL, tokens, server.port) as client:
        assert client.read("RETURN 1 AS one") == [{"one": 1}]


def test_a_certificate_for_another_name_is_refused(
    server: HTTPServer, tokens: TokenProvider
) -> None:
    url = URL.replace(HOST, "other.example")
    with (
        DetouredMcp(url, tokens, server.port) as client,
        pytest.raises(TlsError, match=re.escape("certificate of other.example")),
    ):
        client.read("RETURN 1 AS one")
