"""A client's credentials, and where they come from."""

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
"""The environment variable that names a client's secret."""

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
    """What the stack keeps for a client in its secret.

    Attributes:
        client_id: the app client's id.
        client_secret: the app client's secret; not in repr.
        token_url: the OAuth 2.0 token endpoint.
        scopes: the scopes to ask for, by full name; none asks for all that the client has.
        mcp_url: where the server speaks MCP.
    """

    client_id: str
    client_secret: str = field(repr=False)
    token_url: str
    scopes: tuple[str, ...] = ()
    mcp_url: str

    def __post_init__(self) -> None:
        """Refuse addresses over which a secret or a token would travel in the clear."""
        require_tls(self.token_url, "tokenUrl")
        require_tls(self.mcp_url, "mcpUrl")

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the JSON object of a client's secret.

        Raises:
            ConfigurationError: it is no such object; all that is wrong with it is told at once.
        """
        try:
            document = from_json(text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            # The text is secret: no part of it goes into the message, nor a cause that has it.
            raise ConfigurationError(
                "The credentials are no JSON object.",
                remedy=f"They need {', '.join(_VARIABLES)}, as the client's secret has them.",
            ) from None
        wrong = [name for name in _VARIABLES if not _is_well_formed(name, document.get(name))]
        if wrong:
            raise ConfigurationError(
                f"The credentials lack {', '.join(wrong)}, or have no text there"
                " (scopes is a list of texts).",
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
            ConfigurationError: variables are missing; all of them are named at once.
        """
        variables = os.environ if environment is None else environment
        found = {key: variables.get(name, "") for key, name in _VARIABLES.items()}
        missing = [name for key, name in _VARIABLES.items() if key != "scopes" and not found[key]]
        if missing:
            raise ConfigurationError(
                f"The environment lacks {', '.join(missing)}.",
                remedy=f"Set them, or name the client's secret in {SECRET_ARN_VARIABLE}.",
            )
        return cls(
            client_id=found["clientId"],
            client_secret=found["clientSecret"],
            token_url=found["tokenUrl"],
            scopes=tuple(found["scopes"].split()),
            mcp_url=found["mcpUrl"],
        )


class CredentialsSource(Protocol):
    """Where credentials come from, and come from again when rotation has replaced them.

    A source is called from several threads, `refresh` from one at a time.
    """

    def current(self) -> ClientCredentials:
        """Return the credentials as they were read last; the first call reads them.

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
    """Credentials that don't change.

    Attributes:
        credentials: the credentials.
    """

    credentials: ClientCredentials

    def current(self) -> ClientCredentials:
        """Return the credentials."""
        return self.credentials

    def refresh(self) -> bool:
        """Say that nothing has changed."""
        return False


def source_from_environment(environment: Mapping[str, str] | None = None) -> CredentialsSource:
    """Find where the environment says that the credentials are.

    Args:
        environment: the variables; defaults to the process's own.

    Returns:
        Secrets Manager, where NEO4J_MCP_SECRET_ARN names a secret; else the variables of
        `ClientCredentials.from_environment`.

    Raises:
        ConfigurationError: neither is there, or the extra `aws` isn't installed.
    """
    variables = os.environ if environment is None else environment
    arn = variables.get(SECRET_ARN_VARIABLE)
    if not arn:
        return FixedCredentials(ClientCredentials.from_environment(variables))
    return source_from_arn(arn)


def source_from_arn(arn: str) -> CredentialsSource:
    """Read credentials from Secrets Manager, by the extra `aws`.

    Raises:
        ConfigurationError: the extra isn't installed.
    """
    # Imported late: boto3 takes most of a second, and is an extra.
    from neo4j_mcp_client.secrets_manager import SecretsManagerSource  # noqa: PLC0415

    return SecretsManagerSource(arn)


def as_source(credentials: ClientCredentials | CredentialsSource) -> CredentialsSource:
    """Make a source of credentials, where there isn't one already."""
    if isinstance(credentials, ClientCredentials):
        return FixedCredentials(credentials)
    return credentials


def require_tls(url: str, name: str) -> None:
    """Refuse an address over which secrets would travel in the clear.

    Plain HTTP is for this machine alone.

    Raises:
        ConfigurationError: it is no URL, or plain HTTP to another machine.
    """
    parts = _split(url)
    if parts is None or not parts.hostname or parts.scheme not in {"http", "https"}:
        raise ConfigurationError(f"{name} is no https:// URL.")
    if parts.username is not None:
        raise ConfigurationError(
            f"{name} has a user name before its host, {parts.hostname}.",
            remedy="Leave out what stands before the @: it is sent to nobody, and hides the host.",
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigurationError(
            f"{name} is plain HTTP to {parts.hostname}: secrets would travel in the clear.",
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
    # HTTP libraries disagree on where a host ends that has one of these in it.
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
