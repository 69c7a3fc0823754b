"""The probes against real sockets."""

import datetime as dt
import ssl
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from client.tests.site import Answer, Site, issued, refused, serve
from localcloud.certificates import CertificateAuthority
from neo4j_mcp_client import (
    ClientCredentials,
    ConfigurationError,
    InvalidClientError,
    InvalidScopeError,
    NetworkError,
    TlsError,
)
from neo4j_mcp_client.doctor import bolt, probes
from neo4j_mcp_client.doctor.evidence import EdgeMetadata
from tests.ports import free_ports

# OpenSSL's codes, in x509_vfy.h.
HAS_EXPIRED = 10
HOSTNAME_MISMATCH = 62


def test_a_host_that_takes_connections(server: Site) -> None:
    (connection,) = probes.connections([server.url, f"{server.url}other"], ca_bundle=None)
    assert connection.error is None
    assert connection.root == server.url.rstrip("/")


def test_a_host_that_takes_none() -> None:
    (port,) = free_ports(1)
    (connection,) = probes.connections([f"http://127.0.0.1:{port}/x"], ca_bundle=None)
    assert isinstance(connection.error, NetworkError)
    assert not connection.unresolved


def test_a_name_without_an_address() -> None:
    # RFC 6761, section 6.4: no name ends in invalid.
    (connection,) = probes.connections(["http://nowhere.invalid/x"], ca_bundle=None)
    assert isinstance(connection.error, NetworkError)
    assert connection.unresolved


def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path / "ca")
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(authority.certificate_pem, encoding="utf-8")
    with serve(lambda _: Answer(), authority.server_context(["localhost"])) as site:
        (refused,) = probes.connections([site.url], ca_bundle=certifi.where())
        (trusted,) = probes.connections([site.url], ca_bundle=str(bundle))
    assert isinstance(refused.error, TlsError)
    assert trusted.error is None


def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path / "ca")
    with serve(lambda _: Answer(), authority.server_context(["example.org"])) as site:
        (refused,) = probes.connections([site.url], ca_bundle=str(authority.certificate_path))
    assert refused.verify_code == HOSTNAME_MISMATCH


def test_an_expired_certificate(tmp_path: Path) -> None:
    with serve(lambda _: Answer(), expired_certificate(tmp_path / "server.pem")) as site:
        (refused,) = probes.connections([site.url], ca_bundle=str(tmp_path / "server.pem"))
    assert refused.verify_code == HAS_EXPIRED


def expired_certificate(path: Path) -> ssl.SSLContext:
    """Write a key and its own certificate that has expired, and return a server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now - dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize(
    ("without_a_scope", "any_scope_refused"),
    [
        (issued(), False),
        (refused("invalid_grant"), True),
        (refused("invalid_scope"), True),
        (refused("unauthorized_client"), True),
        (refused("invalid_client"), False),
        (Answer(status=500), False),
    ],
)
def test_a_refused_scope_is_compared_with_a_request_without_one(
    endpoint: Site,
    credentials: ClientCredentials,
    without_a_scope: Answer,
    *,
    any_scope_refused: bool,
) -> None:
    endpoint.answer = lambda request: (
        refused("invalid_grant") if "scope" in request.form else without_a_scope
    )
    result = probes.fetch_token(credentials, ca_bundle=None)
    assert isinstance(result.error, InvalidScopeError)
    assert result.any_scope_refused is any_scope_refused
    assert len(endpoint.requests) == 2


def test_a_wrong_secret_is_one_request(endpoint: Site, credentials: ClientCredentials) -> None:
    endpoint.answer = lambda _: refused("invalid_client")
    result = probes.fetch_token(credentials, ca_bundle=None)
    assert isinstance(result.error, InvalidClientError)
    assert len(endpoint.requests) == 1


def test_the_edges_documents_are_read() -> None:
    documents: dict[str, object] = {}
    with serve(lambda request: Answer(body=documents[request.path]), get=True) as site:
        origin = site.url.rstrip("/")
        documents["/.well-known/oauth-protected-resource/mcp"] = {
            "resource": f"{origin}/mcp",
            "authorization_servers": [origin],
        }
        documents["/.well-known/oauth-authorization-server"] = {
            "issuer": origin,
            "token_endpoint": "https://pool.example/token",
        }
        assert probes.edge_metadata(f"{origin}/mcp", ca_bundle=None) == EdgeMetadata(
            resource=f"{origin}/mcp",
            servers=(origin,),
            issuer=origin,
            token_url="https://pool.example/token",
        )


def test_what_keeps_the_edges_documents_from_being_read() -> None:
    with serve(lambda _: Answer(status=404), get=True) as site:
        missing = probes.edge_metadata(f"{site.url}mcp", ca_bundle=None).problem or ""
        site.answer = lambda _: Answer(body={"resource": "https://edge.example/mcp"})
        other = probes.edge_metadata(f"{site.url}mcp", ca_bundle=None).problem or ""
    assert missing.endswith("/.well-known/oauth-protected-resource/mcp answers HTTP 404.")
    assert "isn't the expected document" in other


@pytest.mark.parametrize(
    ("uri", "host", "encrypted"),
    [
        ("neo4j+s://x.databases.neo4j.io", "x.databases.neo4j.io", True),
        ("bolt+s://x.example:7688/", "x.example:7688", True),
        ("bolt://localhost:7687", "localhost:7687", False),
        ("neo4j://127.0.0.1", "127.0.0.1", False),
    ],
)
def test_the_address_of_a_database(uri: str, host: str, encrypted: bool) -> None:
    assert bolt.host_of(uri) == (host, encrypted)


@pytest.mark.parametrize(
    "uri",
    [
        "neo4j://x.example",
        "bolt+ssc://x.example",
        "https://x.example",
        "neo4j+s://",
        "neo4j+s://neo4j:password@x.example",
        "neo4j+s://x.example:port",
        "neo4j+s://x.example:0",
        "",
    ],
)
def test_a_token_goes_to_no_address_that_would_lose_it(uri: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        bolt.host_of(uri)
    assert "password" not in str(raised.value)
