"""Calls Neo4j's MCP server with OAuth 2.0 client-credentials tokens.

`Neo4jMcp` is the client for threads. The following need an extra, and have their own modules:
`neo4j_mcp_client.async_client.AsyncNeo4jMcp` and `neo4j_mcp_client.httpx2.BearerAuth` (async),
`neo4j_mcp_client.httpx.BearerAuth` (httpx), `neo4j_mcp_client.secrets_manager` (aws) and
`neo4j_mcp_client.file_cache.FileTokenCache` (cache).
"""

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.auth import BearerAuth
from neo4j_mcp_client.base import Options
from neo4j_mcp_client.calls import Tool
from neo4j_mcp_client.client import Neo4jMcp
from neo4j_mcp_client.credentials import (
    ClientCredentials,
    CredentialsSource,
    FixedCredentials,
)
from neo4j_mcp_client.errors import (
    CertificateRuleError,
    ClientDisabledError,
    ConfigurationError,
    CypherError,
    DatabaseUnavailableError,
    ForbiddenError,
    Hop,
    InvalidClientError,
    InvalidScopeError,
    Neo4jMcpError,
    NetworkError,
    ParameterError,
    SecretStoreError,
    ServerError,
    TimeLimitError,
    TlsError,
    TokenEndpointUnavailableError,
    TokenExpiredError,
    TokenRejectedError,
    TokenRequestError,
    ToolError,
    ToolNotFoundError,
    UnauthorizedError,
)
from neo4j_mcp_client.retries import BackOff
from neo4j_mcp_client.sources import source_from_arn, source_from_environment
from neo4j_mcp_client.tokens import TokenCache, TokenProvider
from neo4j_mcp_client.version import __version__

__all__ = [
    "AccessToken",
    "BackOff",
    "BearerAuth",
    "CertificateRuleError",
    "ClientCredentials",
    "ClientDisabledError",
    "ConfigurationError",
    "CredentialsSource",
    "CypherError",
    "DatabaseUnavailableError",
    "FixedCredentials",
    "ForbiddenError",
    "Hop",
    "InvalidClientError",
    "InvalidScopeError",
    "Neo4jMcp",
    "Neo4jMcpError",
    "NetworkError",
    "Options",
    "ParameterError",
    "SecretStoreError",
    "ServerError",
    "TimeLimitError",
    "TlsError",
    "TokenCache",
    "TokenEndpointUnavailableError",
    "TokenExpiredError",
    "TokenProvider",
    "TokenRejectedError",
    "TokenRequestError",
    "Tool",
    "ToolError",
    "ToolNotFoundError",
    "UnauthorizedError",
    "__version__",
    "source_from_arn",
    "source_from_environment",
]
