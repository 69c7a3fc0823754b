"""The probes against real sockets."""

from pathlib import Path

import certifi

from localcloud.certificates import CertificateAuthority
from neo4j_mcp_client import NetworkError, TlsError
from neo4j_mcp_client.doctor import probes
from tests.client.site import Answer, Site, serve
from tests.conftest import free_ports


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
