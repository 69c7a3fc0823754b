"""What every HTTP request of this package has in common, whichever library sends it."""

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from neo4j_mcp_client.errors import ConfigurationError, Hop, NetworkError, TlsError
from neo4j_mcp_client.version import __version__

USER_AGENT = f"neo4j-mcp-client/{__version__}"
CONNECT_TIMEOUT = 10.0
"""Seconds for a connection to be made."""

_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def find_ca_bundle(
    given: str | os.PathLike[str] | None, environment: Mapping[str, str] | None = None
) -> str | None:
    """Find the certificate authorities to trust.

    Args:
        given: the caller's own bundle in PEM form.
        environment: the variables; the process's own where None.

    Returns:
        The given bundle, else the one that REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE
        names; None for the HTTP library's own.

    Raises:
        ConfigurationError: there is no such file.
    """
    variables = os.environ if environment is None else environment
    named = [("ca_bundle", os.fspath(given))] if given is not None else []
    named += [(name, variables[name]) for name in _BUNDLE_VARIABLES if variables.get(name)]
    if not named:
        return None
    name, path = named[0]
    if not Path(path).exists():
        raise ConfigurationError(f"{name} names {path}, which is not there.")
    return path


def failure(
    error: Exception, *, hop: Hop, url: str, may_have_run: bool = False
) -> NetworkError | TlsError:
    """Describe a request that got no answer.

    The HTTP library's exception is not kept: it holds the request, and so its Authorization.

    Args:
        error: what the HTTP library raised.
        hop: where the request went.
        url: its address.
        may_have_run: whether the request may have arrived.

    Returns:
        The exception to raise.
    """
    host = urlsplit(url).netloc
    causes = list(_chain(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TlsError(
                f"the certificate of {host} isn't trusted: {cause.verify_message}.", hop=hop
            )
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return TlsError(
                f"TLS with {host} failed: {cause.reason or cause}.",
                hop=hop,
                may_have_run=may_have_run,
            )
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return NetworkError(f"the name {host} can't be resolved: {cause.strerror}.", hop=hop)
    said = str(causes[-1]) or type(causes[-1]).__name__
    return NetworkError(f"{host}: {said}.", hop=hop, may_have_run=may_have_run)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an exception and its causes, outermost first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
