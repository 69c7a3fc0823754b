"""Certificate authorities in every form that people name them, for both clients."""

import datetime as dt
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from client.tests.site import Site, rows, serve
from localcloud.certificates import CertificateAuthority
from neo4j_mcp_client import (
    CertificateRuleError,
    ClientCredentials,
    ConfigurationError,
    Hop,
    TlsError,
    TokenProvider,
    transport,
)
from neo4j_mcp_client.trust import VARIABLES

Call = Callable[..., Any]
Named = Callable[[Path], dict[str, Any]]
ROW = rows({"answer": 42})
QUERY = ("read", "RETURN 42 AS answer")


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority.load_or_create(tmp_path / "ca")


@pytest.fixture(params=[None, *VARIABLES])
def variable(request: pytest.FixtureRequest) -> str | None:
    """The environment variable that names a bundle; None for the argument `ca_bundle`."""
    found: str | None = request.param
    return found


@pytest.fixture
def named(variable: str | None, monkeypatch: pytest.MonkeyPatch) -> Named:
    """Name a bundle, by the variable or by the options that this returns."""

    def name(path: Path) -> dict[str, Any]:
        if variable is None:
            return {"ca_bundle": path}
        monkeypatch.setenv(variable, str(path))
        return {}

    return name


def hashed(folder: Path, certificate: Path) -> Path:
    """Make the directory that `openssl rehash` makes."""
    folder.mkdir()
    (folder / "authority.pem").write_bytes(certificate.read_bytes())
    subprocess.run(["openssl", "rehash", str(folder)], check=True, timeout=30)
    return folder


@pytest.mark.parametrize("form", ["file", "directory"])
def test_a_file_and_a_directory_are_trusted_by_every_client(
    call: Call, authority: CertificateAuthority, tmp_path: Path, named: Named, form: str
) -> None:
    path = authority.certificate_path
    options = named(path if form == "file" else hashed(tmp_path / "certs", path))
    with serve(lambda _: ROW, authority.server_context(["localhost"])) as site:
        assert call(*QUERY, url=site.url, **options) == [{"answer": 42}]


@pytest.fixture
def broken(tmp_path: Path, authority: CertificateAuthority) -> dict[str, Path]:
    """Make bundles that can't be used."""
    good = authority.certificate_pem
    lines = good.splitlines()
    contents = {
        "empty": b"",
        "no PEM": b"these are my certificates\n",
        "DER": ssl.PEM_cert_to_DER_cert(good),
        "no base64": b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
        "no certificate": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "the second is damaged": (good + "\n".join([*lines[:3], *lines[4:]])).encode(),
        "the second is cut off": (good + "\n".join(lines[:-2])).encode(),
    }
    found = {}
    for name, content in contents.items():
        found[name] = tmp_path / f"{name}.pem"
        found[name].write_bytes(content)
    found["a directory without hashes"] = tmp_path / "plain"
    found["a directory without hashes"].mkdir()
    (found["a directory without hashes"] / "authority.pem").write_text(good, encoding="ascii")
    found["missing"] = tmp_path / "nowhere.pem"
    found["a loop of links"] = tmp_path / "loop"
    found["a loop of links"].symlink_to(found["a loop of links"])
    return found


@pytest.mark.parametrize(
    ("form", "says", "remedy"),
    [
        ("empty", "no certificate in PEM form", "openssl x509 -inform der"),
        ("no PEM", "no certificate in PEM form", "openssl x509 -inform der"),
        ("DER", "no certificate in PEM form", "openssl x509 -inform der"),
        ("no base64", "certificate at line 1 is damaged", "openssl storeutl"),
        ("no certificate", "certificate at line 1 is damaged", "openssl storeutl"),
        ("the second is damaged", r"certificate at line \d\d is damaged", "openssl storeutl"),
        ("the second is cut off", r"certificate at line \d\d is damaged", "openssl storeutl"),
        ("a directory without hashes", "without hashed file names", "openssl rehash"),
        ("missing", "doesn't exist", "PEM form"),
        ("a loop of links", "can't be read", "ls -l"),
    ],
)
def test_an_unusable_bundle_is_reported_with_its_fix_before_any_request(
    call: Call,
    broken: dict[str, Path],
    endpoint: Site,
    variable: str | None,
    named: Named,
    form: str,
    says: str,
    remedy: str,
) -> None:
    path = broken[form]
    with pytest.raises(ConfigurationError, match=says) as raised:
        call(*QUERY, **named(path))
    assert raised.value.message.startswith(f"{variable or 'ca_bundle'} names {path}, ")
    assert remedy in raised.value.remedy
    assert (variable is None) == ("unset" not in raised.value.remedy)
    assert endpoint.requests == []


def test_the_token_endpoint_is_trusted_by_the_same_bundle(
    credentials: ClientCredentials, authority: CertificateAuthority, tmp_path: Path
) -> None:
    directory = hashed(tmp_path / "certs", authority.certificate_path)
    (tmp_path / "bad.pem").write_text("nothing", encoding="ascii")
    assert TokenProvider(credentials, ca_bundle=directory).token().claims == {"jti": "1"}
    with pytest.raises(ConfigurationError, match="ca_bundle names"):
        TokenProvider(credentials, ca_bundle=tmp_path / "bad.pem")


def test_a_server_that_speaks_no_tls_got_nothing(call: Call, server: Site) -> None:
    with pytest.raises(TlsError, match="TLS with localhost") as raised:
        call("write", "CREATE (:Person)", url=server.url.replace("http://", "https://"))
    assert not raised.value.may_have_run


@dataclass(frozen=True)
class Chain:
    """A server's certificate, issued by an intermediate authority, and its root."""

    root: Path
    intermediate: Path
    server: ssl.SSLContext


def chain(folder: Path, *, flaw: str) -> Chain:
    """Create a chain with a root that breaks rules, as those of many companies do."""
    root_key, intermediate_key, server_key = (
        ec.generate_private_key(ec.SECP256R1()) for _ in range(3)
    )
    root = _certificate("root", "root", root_key, root_key, authority=True, flaw=flaw)
    intermediate = _certificate("middle", "root", intermediate_key, root_key, authority=True)
    leaf = _certificate("localhost", "middle", server_key, intermediate_key, authority=False)
    pem = serialization.Encoding.PEM
    folder.mkdir()
    (folder / "root.pem").write_bytes(root.public_bytes(pem))
    (folder / "middle.pem").write_bytes(intermediate.public_bytes(pem))
    (folder / "server.pem").write_bytes(
        server_key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + leaf.public_bytes(pem)
        + intermediate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return Chain(folder / "root.pem", folder / "middle.pem", context)


def _certificate(
    name: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
    flaw: str = "",
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.BasicConstraints(ca=authority, path_length=None), critical=flaw != "constraints"
        )
    )
    if authority and flaw != "key usage":
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    if flaw != "subject key identifier":
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
    if name != issuer:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    if not authority:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
    return builder.sign(signer, hashes.SHA256())


FLAWS = {
    "constraints": "Basic Constraints of CA cert not marked critical",
    "key usage": "CA cert does not include key usage extension",
    "subject key identifier": "Missing Subject Key Identifier",
}


def strict_handshake(site: Site, bundle: Path) -> None:
    """Shake hands as Python 3.13 does."""
    context = ssl.create_default_context(cafile=bundle)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    address = urlsplit(site.url)
    with (
        socket.create_connection(("127.0.0.1", address.port or 0), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost"),
    ):
        pass


@pytest.mark.parametrize("flaw", FLAWS)
def test_the_remedy_for_strict_certificate_checks_works(tmp_path: Path, flaw: str) -> None:
    made = chain(tmp_path / "chain", flaw=flaw)
    with serve(lambda _: ROW, made.server) as site:
        with pytest.raises(ssl.SSLCertVerificationError) as raised:
            strict_handshake(site, made.root)
        error = transport.network_error(raised.value, hop=Hop.HOST, url=site.url)
        assert type(error) is CertificateRuleError
        assert FLAWS[flaw] in error.message
        # What the remedy advises: the intermediate authority in the root's place.
        strict_handshake(site, made.intermediate)


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_sloppy_root_is_trusted_as_this_python_does(
    call: Call, tmp_path: Path, flaw: str
) -> None:
    made = chain(tmp_path / "chain", flaw=flaw)
    strict = sys.version_info >= (3, 13)
    with serve(lambda _: ROW, made.server) as site:
        if strict:  # pragma: no cover - by version
            with pytest.raises(CertificateRuleError, match=FLAWS[flaw]) as raised:
                call(*QUERY, url=site.url, ca_bundle=made.root)
            assert not raised.value.may_have_run
        bundle = made.intermediate if strict else made.root
        assert call(*QUERY, url=site.url, ca_bundle=bundle) == [{"answer": 42}]


def test_an_unknown_authority_is_no_broken_rule(call: Call, tmp_path: Path) -> None:
    made, other = chain(tmp_path / "one", flaw=""), chain(tmp_path / "other", flaw="")
    with (
        serve(lambda _: ROW, made.server) as site,
        pytest.raises(TlsError, match="isn't trusted") as raised,
    ):
        call(*QUERY, url=site.url, ca_bundle=other.root)
    assert type(raised.value) is TlsError
