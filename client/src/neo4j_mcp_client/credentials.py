"""A client's credentials, and what a source of them is."""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self
from urllib.parse import SplitResult, urlsplit

from neo4j_mcp_client.decoding import from_json
from neo4j_mcp_client.errors import ConfigurationError

SECRET_ARN_VARIABLE = "NEO4J_MCP_SECRET_ARN"  # noqa: S105 - a variable's name
"""The environment variable with the ARN of a client's secret."""

_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")

_VARIABLES = {
    "clientId": "NEO4J_MCP_CLIENT_ID",
    "clientSecret": "NEO4J_MCP_CLIENT_SECRET",
    "tokenUrl": "NEO4J_MCP_TOKEN_URL",
    "scopes": "NEO4J_MCP_SCOPES",
    "mcpUrl": "NEO4J_MCP_URL",
}


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """The contents of a client's secret.

    Attributes:
        client_id: the app client's id.
        client_secret: the app client's secret; not shown in the repr.
        token_url: the OAuth 2.0 token endpoint.
        scopes: the scopes to request, by full name; empty for all scopes of the client.
        mcp_url: the server's MCP address.
    """

    client_id: str
    client_secret: str = field(repr=False)
    token_url: str
    scopes: tuple[str, ...] = ()
    mcp_url: str

    def __post_init__(self) -> None:
        """Reject addresses that would expose the secret or a token."""
        require_tls(self.token_url, "tokenUrl")
        require_tls(self.mcp_url, "mcpUrl")

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the JSON object in a client's secret.

        Raises:
            ConfigurationError: fields are missing or wrong; the message lists all of them.
        """
        try:
            document = from_json(text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            # The text is secret, so neither the message nor a cause may contain it.
            raise ConfigurationError(
                "The credentials aren't a JSON object.",
                remedy=f"They need the fields of the client's secret: {', '.join(_VARIABLES)}.",
            ) from None
        wrong = [name for name in _VARIABLES if not _is_well_formed(name, document.get(name))]
        if wrong:
            raise ConfigurationError(
                f"In the credentials, {', '.join(wrong)} must be a non-empty string"
                " (scopes: a list of strings).",
                remedy="Read the client's secret again: its ARN is in the stack's output"
                " `clients`.",
            )
        return cls(
            client_id=document["clientId"],
            client_secret=document["clientSecret"],
            token_url=document["tokenUrl"],
            scopes=tuple(document["scopes"]),
            mcp_url=document["mcpUrl"],
        )

    def to_json(self) -> str:
        """Write the JSON object that `from_json` reads."""
        return json.dumps(
            {
                "clientId": self.client_id,
                "clientSecret": self.client_secret,
                "tokenUrl": self.token_url,
                "scopes": list(self.scopes),
                "mcpUrl": self.mcp_url,
            }
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read NEO4J_MCP_CLIENT_ID, _CLIENT_SECRET, _TOKEN_URL, _SCOPES and NEO4J_MCP_URL.

        Args:
            environment: the variables; defaults to the process's own. Scopes stand with spaces
                between them, and may be missing.

        Raises:
            ConfigurationError: variables are missing; the message lists all of them.
        """
        variables = os.environ if environment is None else environment
        found = {key: variables.get(name, "") for key, name in _VARIABLES.items()}
        missing = [name for key, name in _VARIABLES.items() if key != "scopes" and not found[key]]
        if missing:
            raise ConfigurationError(
                f"The environment lacks {', '.join(missing)}.",
                remedy=f"Set them, or set {SECRET_ARN_VARIABLE} to the ARN of the client's secret.",
            )
        return cls(
            client_id=found["clientId"],
            client_secret=found["clientSecret"],
            token_url=found["tokenUrl"],
            scopes=tuple(found["scopes"].split()),
            mcp_url=found["mcpUrl"],
        )


class CredentialsSource(Protocol):
    """A source of credentials, which can read them again after a rotation.

    `current` is called from several threads, `refresh` from one at a time.
    """

    def current(self) -> ClientCredentials:
        """Return the credentials; the first call reads them.

        Raises:
            Neo4jMcpError: they can't be read.
        """

    def refresh(self) -> bool:
        """Read the credentials again.

        Raises:
            Neo4jMcpError: they can't be read.
        """


@dataclass(frozen=True)
class FixedCredentials:
    """Credentials that never change.

    Attributes:
        credentials: the credentials.
    """

    credentials: ClientCredentials

    def current(self) -> ClientCredentials:
        """Return the credentials."""
        return self.credentials

    def refresh(self) -> bool:
        """Return False: they never change."""
        return False


def as_source(credentials: ClientCredentials | CredentialsSource) -> CredentialsSource:
    """Wrap plain credentials in a source; return a source unchanged."""
    if isinstance(credentials, ClientCredentials):
        return FixedCredentials(credentials)
    return credentials


def require_tls(url: str, name: str) -> None:
    """Reject an address that would expose secrets; plain HTTP is allowed only to this machine.

    Raises:
        ConfigurationError: it isn't a URL, or it is plain HTTP to another machine.
    """
    parts = _split(url)
    if parts is None or not parts.hostname or parts.scheme not in {"http", "https"}:
        raise ConfigurationError(f"{name} isn't an https:// URL.")
    if parts.username is not None:
        raise ConfigurationError(
            f"{name} has a user name before its host, {parts.hostname}.",
            remedy="Remove everything before the @: it isn't sent, and it disguises the host.",
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigurationError(
            f"{name} is plain HTTP to {parts.hostname}, which would expose secrets.",
            remedy="Use https://.",
        )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str) -> SplitResult | None:
    # HTTP libraries disagree on where the host ends in URLs with these characters.
    if _AMBIGUOUS.search(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts


def _is_well_formed(name: str, value: Any) -> bool:  # noqa: ANN401 - any JSON
    if name == "scopes":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return isinstance(value, str) and bool(value)
