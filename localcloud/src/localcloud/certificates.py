"""The stand-in cloud's certificate authority, created once and kept with its state.

It doesn't use trustme, whose authorities are valid until the year 3000 and may sign others, and
whose certificates are also for clients and for signing code. A stand-in must not be more lenient
than a public authority.
"""

import datetime as dt
import ipaddress
import ssl
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localcloud.files import write_atomically

_LIFETIME = dt.timedelta(days=365)
_CLOCK_SKEW = dt.timedelta(minutes=5)
_CERTIFICATE_FILE = "ca.pem"
_KEY_FILE = "ca.key"


@dataclass(frozen=True, kw_only=True)
class CertificateAuthority:
    """A certificate authority for names of this machine.

    Attributes:
        directory: the folder with its certificate and key; only its owner can read it.
    """

    directory: Path

    @classmethod
    def load_or_create(cls, directory: Path) -> Self:
        """Read the authority of a folder, or create one if it is missing or expires within a day.

        Raises:
            OSError: the folder can't be read or written.
        """
        authority = cls(directory=directory)
        if authority.certificate_path.exists() and not authority._expires_soon():
            return authority
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stand-in cloud CA")])
        certificate = (
            _builder(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        write_atomically(directory / _KEY_FILE, _private_pem(key), mode=0o600)
        write_atomically(authority.certificate_path, _public_pem(certificate))
        return authority

    @property
    def certificate_path(self) -> Path:
        """The authority's certificate, for clients to trust (PEM)."""
        return self.directory / _CERTIFICATE_FILE

    @property
    def certificate_pem(self) -> str:
        """The authority's certificate, for clients to trust (PEM)."""
        return self.certificate_path.read_text(encoding="ascii")

    def client_context(self) -> ssl.SSLContext:
        """Return a context for clients that trust this authority too."""
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.certificate_pem)
        return context

    def server_context(self, names: Sequence[str]) -> ssl.SSLContext:
        """Return a server's TLS context (TLS 1.2 or newer) with a newly issued certificate.

        Args:
            names: host names and IP addresses that the certificate is valid for, at least one.

        Raises:
            ValueError: there is no name.
        """
        if not names:
            raise ValueError("a server certificate needs at least one name")
        authority_key = serialization.load_pem_private_key(
            (self.directory / _KEY_FILE).read_bytes(), password=None
        )
        if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self.directory / _KEY_FILE} holds no elliptic-curve key")
        issuer = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]),
                issuer.subject,
                key.public_key(),
            )
            .add_extension(
                x509.SubjectAlternativeName([_general_name(name) for name in names]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                # As typed, a certificate's key may be of a kind without an identifier.
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),  # type: ignore[arg-type]
                critical=False,
            )
            .sign(authority_key, hashes.SHA256())
        )
        path = self.directory / f"server-{certificate.serial_number:x}.pem"
        write_atomically(path, _private_pem(key) + _public_pem(certificate), mode=0o600)
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(path)
        finally:
            # OpenSSL reads keys from files only, and the context keeps a copy.
            path.unlink()
        return context

    def _expires_soon(self) -> bool:
        certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        return certificate.not_valid_after_utc <= dt.datetime.now(dt.UTC) + dt.timedelta(days=1)


def java_trust_store(authorities: bytes, *, password: str) -> bytes:
    """Return a trust store for Java (PKCS #12) with certificate authorities.

    Args:
        authorities: their certificates, in PEM format.
        password: Java requires one, though the store's content is public.

    Raises:
        ValueError: there is no certificate, or an invalid one.
    """
    with warnings.catch_warnings():
        # Bundles contain old certificates that break newer rules.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        certificates = x509.load_pem_x509_certificates(authorities)
    return pkcs12.serialize_java_truststore(
        [
            pkcs12.PKCS12Certificate(certificate, f"authority-{number}".encode())
            for number, certificate in enumerate(certificates)
        ],
        serialization.BestAvailableEncryption(password.encode()),
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
