"""Decides which certificate authorities are trusted, for all HTTP libraries."""

import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path

from neo4j_mcp_client.errors import ConfigurationError, as_sentence

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""The environment variables for certificate authorities, in order of precedence."""

# In a directory, OpenSSL looks certificates up by the hash of their subject.
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.[0-9]+")
_PEM_CERTIFICATE = re.compile(
    r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.*?(?:-----END [^\n]*-----|\Z)", re.DOTALL
)


def find_ca_bundle(
    given: str | os.PathLike[str] | None, environment: Mapping[str, str] | None = None
) -> str | None:
    """Find the certificate authorities to trust, and check that they are usable.

    Args:
        given: the caller's own file or directory; a directory as `openssl rehash` prepares it.
        environment: the variables; defaults to those of the process.

    Returns:
        The file or directory that was given, else the one that an environment variable names;
        None for the HTTP library's default.

    Raises:
        ConfigurationError: they are missing, unreadable, or not usable certificates.
    """
    variables = os.environ if environment is None else environment
    named = [("ca_bundle", os.fspath(given))] if given is not None else []
    named += [(name, variables[name]) for name in VARIABLES if variables.get(name)]
    if not named:
        return None
    name, path = named[0]
    problem = _problem_with(path)
    if problem is not None:
        message, remedy = problem
        if name in VARIABLES:
            remedy += f" Or unset the variable: unset {name}"
        raise ConfigurationError(as_sentence(f"{name} names {path}, {message}"), remedy=remedy)
    return path


def ssl_context(bundle: str | None) -> ssl.SSLContext | bool:
    """Create the value of httpx2's `verify`."""
    return True if bundle is None else bundle_context(bundle)


def bundle_context(bundle: str | None) -> ssl.SSLContext:
    """Create a TLS context for a client.

    Args:
        bundle: the file or directory of certificate authorities; defaults to the system's.
    """
    if bundle is not None and Path(bundle).is_dir():
        return ssl.create_default_context(capath=bundle)
    return ssl.create_default_context(cafile=bundle)


def _problem_with(path: str) -> tuple[str, str] | None:
    """Return why a bundle can't be used, and how to fix it."""
    try:
        if Path(path).is_dir():
            return _problem_with_directory(path)
        bundle_context(path)
    except FileNotFoundError:
        return "which doesn't exist", "Use a file with certificates in PEM form."
    except ssl.SSLError:
        return _problem_with_file(path)
    except OSError as error:
        return (
            f"which can't be read: {error.strerror or error}",
            f"Make it readable, or use another file: ls -l {path}",
        )
    return None


def _problem_with_directory(path: str) -> tuple[str, str] | None:
    if any(_HASHED_NAME.fullmatch(entry.name) for entry in Path(path).iterdir()):
        return None
    return (
        "a directory without hashed file names, in which OpenSSL finds nothing",
        f"Run: openssl rehash {path}",
    )


def _problem_with_file(path: str) -> tuple[str, str]:
    text = Path(path).read_text(encoding="ascii", errors="replace")
    remedy = f"List its contents: openssl storeutl -noout -certs {path}"
    certificates = list(_PEM_CERTIFICATE.finditer(text))
    if not certificates:
        return "which contains no certificate in PEM form", (
            f"If it is in DER form, convert it: openssl x509 -inform der -in {path} -out {path}.pem"
        )
    for certificate in certificates:
        try:
            ssl.create_default_context(cadata=certificate[0])
        except (ssl.SSLError, ValueError):
            line = text.count("\n", 0, certificate.start()) + 1
            return f"whose certificate at line {line} is damaged", remedy
    return "which OpenSSL can't read", remedy
