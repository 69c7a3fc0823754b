"""What all HTTP requests of this package share, whichever library sends them."""

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from neo4j_mcp_client.errors import (
    CertificateRuleError,
    Hop,
    NetworkError,
    TlsError,
    as_sentence,
)
from neo4j_mcp_client.version import __version__

USER_AGENT = f"neo4j-mcp-client/{__version__}"
CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a connection."""

# What OpenSSL reports only under X509_V_FLAG_X509_STRICT, which Python sets from 3.13 on. Source:
# OpenSSL's x509_vfy.h, X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA to .._EXTENSIONS_REQUIRE_VERSION_3.
_STRICT_ERRORS = range(80, 94)


def network_error(
    error: Exception, *, hop: Hop, url: str, may_have_run: bool = False
) -> NetworkError | TlsError:
    """Describe a request without a readable answer."""
    described = _described(error, hop=hop, host=urlsplit(url).netloc, may_have_run=may_have_run)
    root = list(causes_of(error))[-1]
    # Both could reveal a secret: the request its Authorization header, an encoding error its text.
    if not ({"request", "_request"} & vars(root).keys() or isinstance(root, UnicodeError)):
        described.__cause__ = root.with_traceback(None)
    return described


def _described(
    error: Exception, *, hop: Hop, host: str, may_have_run: bool
) -> NetworkError | TlsError:
    causes = list(causes_of(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            said = as_sentence(f"the certificate of {host} isn't trusted: {cause.verify_message}")
            if cause.verify_code in _STRICT_ERRORS:
                return CertificateRuleError(said, hop=hop)
            return TlsError(said, hop=hop)
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return TlsError(
                as_sentence(f"TLS with {host} failed: {cause.reason or cause}"),
                hop=hop,
                may_have_run=may_have_run,
            )
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            said = as_sentence(f"the name {host} can't be resolved: {cause.strerror}")
            return NetworkError(said, hop=hop)
    said = as_sentence(f"{host}: {str(causes[-1]) or type(causes[-1]).__name__}")
    return NetworkError(said, hop=hop, may_have_run=may_have_run)


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes.

    Yields:
        Each of them, outermost first.
    """
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
