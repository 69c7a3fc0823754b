"""The certificate authorities that the server trusts."""

from pathlib import Path

import certifi


def ca_bundle(trusted_certificates: str) -> bytes:
    """Return the public authorities, and others (PEM, can be empty) in addition."""
    public = Path(certifi.where()).read_bytes()
    # A certificate file can have Windows line endings.
    additional = trusted_certificates.strip().encode().replace(b"\r\n", b"\n")
    return public + b"\n" + additional + b"\n" if additional else public
