"""What the clients for threads and for asyncio have in common: what they are told, and by whom."""

import os
from typing import Self, TypedDict, Unpack

from neo4j_mcp_client import calls, trust
from neo4j_mcp_client.credentials import (
    ClientCredentials,
    CredentialsSource,
    require_tls,
    source_from_arn,
    source_from_environment,
)
from neo4j_mcp_client.tokens import TokenProvider

Credentials = ClientCredentials | CredentialsSource | TokenProvider
"""What a client takes its tokens with."""

_CONNECTIONS = 64


class Options(TypedDict, total=False):
    """What a client can be told beside URL and credentials.

    Attributes:
        ca_bundle: the certificate authorities to trust: a PEM file, or a directory as `openssl
            rehash` prepares it. Without it, what REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or
            SSL_CERT_FILE names, else the HTTP library's default.
        timeout: seconds to wait for a byte of the answer, 125 without it: a little longer than
            the host's 120.
        connections: the most connections at once, 64 without it; a call beyond waits for one.
    """

    ca_bundle: str | os.PathLike[str] | None
    timeout: float
    connections: int


class BaseClient:
    """A client before it has connections."""

    def __init__(self, url: str, credentials: Credentials, **options: Unpack[Options]) -> None:
        """Prepare; nothing is sent before the first call.

        Args:
            options: see `Options`.

        Raises:
            ConfigurationError: the URL is plain HTTP to another machine, or the certificate
                authorities can't be used.
        """
        require_tls(url, "url")
        self._url = url
        self._timeout = options.get("timeout", calls.TIMEOUT)
        self._connections = options.get("connections", _CONNECTIONS)
        self._ca_bundle = trust.find_ca_bundle(options.get("ca_bundle"))
        self._tokens = (
            credentials
            if isinstance(credentials, TokenProvider)
            else TokenProvider(credentials, ca_bundle=self._ca_bundle)
        )

    @property
    def url(self) -> str:
        """Where the server speaks MCP."""
        return self._url

    @classmethod
    def from_environment(cls, **options: Unpack[Options]) -> Self:
        """Take credentials and URL from the environment.

        Args:
            options: see `Options`.

        Raises:
            ConfigurationError: variables are missing; see `source_from_environment`.
            SecretStoreError: the secret can't be read.
        """
        return cls.from_source(source_from_environment(), **options)

    @classmethod
    def from_secret(cls, arn: str, **options: Unpack[Options]) -> Self:
        """Take credentials and URL from Secrets Manager, by the extra `aws`.

        Args:
            options: see `Options`.

        Raises:
            SecretStoreError: the secret can't be read.
        """
        return cls.from_source(source_from_arn(arn), **options)

    @classmethod
    def from_source(cls, source: CredentialsSource, **options: Unpack[Options]) -> Self:
        """Take credentials and URL from a source.

        The source is read here and now. In an event loop, read it in a thread before, and make
        the client by its constructor.

        Args:
            options: see `Options`.

        Raises:
            Neo4jMcpError: they can't be read.
        """
        return cls(source.current().mcp_url, source, **options)
