"""What the synchronous and the asynchronous client share: options and constructors."""

import os
from typing import Self, TypedDict, Unpack

from neo4j_mcp_client import calls, trust
from neo4j_mcp_client.calls import Limits
from neo4j_mcp_client.credentials import (
    ClientCredentials,
    CredentialsSource,
    require_tls,
)
from neo4j_mcp_client.retries import BackOff
from neo4j_mcp_client.sources import source_from_arn, source_from_environment
from neo4j_mcp_client.tokens import TokenProvider

Credentials = ClientCredentials | CredentialsSource | TokenProvider
"""The credentials that a client accepts."""

_CONNECTIONS = 64


class Options(TypedDict, total=False):
    """The optional arguments of a client.

    Attributes:
        ca_bundle: the certificate authorities to trust: a PEM file, or a directory prepared with
            `openssl rehash`. Defaults to REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE, and
            else to the HTTP library's own.
        timeout: seconds to wait for data. Defaults to 125, a little longer than the host's 120.
        connections: the maximum number of connections. Defaults to 64; further calls wait.
        limits: the time limits of the server and its host. Defaults to those of App Runner.
        back_off: the pauses between the attempts of a call.
    """

    ca_bundle: str | os.PathLike[str] | None
    timeout: float
    connections: int
    limits: Limits
    back_off: BackOff


class BaseClient:
    """The base of both clients."""

    def __init__(self, url: str, credentials: Credentials, **options: Unpack[Options]) -> None:
        """Create a client; nothing is sent before the first call.

        Args:
            options: see `Options`.

        Raises:
            ConfigurationError: the URL is plain HTTP to another machine, or the certificate
                authorities can't be used.
        """
        require_tls(url, "url")
        self._url = url
        self._timeout = options.get("timeout", calls.TIMEOUT)
        self._limits = options.get("limits", calls.LIMITS)
        self._back_off = options.get("back_off", calls.BACK_OFF)
        self._connections = options.get("connections", _CONNECTIONS)
        self._ca_bundle = trust.find_ca_bundle(options.get("ca_bundle"))
        self._tokens = (
            credentials
            if isinstance(credentials, TokenProvider)
            else TokenProvider(credentials, ca_bundle=self._ca_bundle)
        )

    @property
    def url(self) -> str:
        """The server's MCP address."""
        return self._url

    @classmethod
    def from_environment(cls, **options: Unpack[Options]) -> Self:
        """Create a client with the credentials and the URL of the environment.

        Args:
            options: see `Options`.

        Raises:
            ConfigurationError: variables are missing; see `source_from_environment`.
            SecretStoreError: the secret can't be read.
        """
        return cls.from_source(source_from_environment(), **options)

    @classmethod
    def from_secret(cls, arn: str, **options: Unpack[Options]) -> Self:
        """Create a client with the credentials and the URL in Secrets Manager (extra `aws`).

        Args:
            options: see `Options`.

        Raises:
            SecretStoreError: the secret can't be read.
        """
        return cls.from_source(source_from_arn(arn), **options)

    @classmethod
    def from_source(cls, source: CredentialsSource, **options: Unpack[Options]) -> Self:
        """Create a client with the credentials and the URL of a source.

        This reads the source and may block. In an event loop, read the source in a thread, and
        use the constructor.

        Args:
            options: see `Options`.

        Raises:
            Neo4jMcpError: they can't be read.
        """
        return cls(source.current().mcp_url, source, **options)
