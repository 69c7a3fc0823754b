"""What both clients can be told, and how they come to their tokens."""

import os
from typing import TypedDict

from neo4j_mcp_client.credentials import ClientCredentials, CredentialsSource
from neo4j_mcp_client.tokens import TokenProvider

Credentials = ClientCredentials | CredentialsSource | TokenProvider
"""What a client takes its tokens with."""


class Options(TypedDict, total=False):
    """What a client can be told beside URL and credentials.

    Attributes:
        ca_bundle: certificate authorities to trust, in PEM form; those of REQUESTS_CA_BUNDLE,
            CURL_CA_BUNDLE or SSL_CERT_FILE without it, else the HTTP library's own.
        timeout: seconds to wait for a byte of the answer, 125 without it: a little longer than
            the host's 120.
        connections: the most connections at once, 64 without it; a call beyond waits for one.
    """

    ca_bundle: str | os.PathLike[str] | None
    timeout: float
    connections: int


def as_provider(credentials: Credentials, options: Options) -> TokenProvider:
    """Make a token provider, where there isn't one already.

    Args:
        credentials: credentials, a source of them, or a provider.
        options: the client's options.

    Returns:
        The provider.

    Raises:
        ConfigurationError: the bundle of certificate authorities isn't there.
    """
    if isinstance(credentials, TokenProvider):
        return credentials
    return TokenProvider(credentials, ca_bundle=options.get("ca_bundle"))
