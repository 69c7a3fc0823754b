"""What can go wrong on the way from a caller to its rows: one exception for each failure.

Every exception names the hop where it happened and what mends it. None holds a secret.
"""

import enum
from typing import Any


class Hop(enum.StrEnum):
    """A station of the way, as a caller sees it."""

    CONFIGURATION = "configuration"
    SECRET_STORE = "secret store"  # noqa: S105 - the name of a hop
    TOKEN_ENDPOINT = "token endpoint"  # noqa: S105 - likewise
    HOST = "host"
    SERVER = "server"
    DATABASE = "database"


class Neo4jMcpError(Exception):
    """The base of all that this package raises on purpose.

    Attributes:
        hop: where it happened.
        remedy: what a person can do about it; empty where nothing general can be said.
        may_have_run: whether the call may have done its work all the same. Look before a write
            is repeated.
    """

    hop: Hop = Hop.CONFIGURATION
    remedy: str = ""

    def __init__(
        self,
        message: str,
        *,
        hop: Hop | None = None,
        remedy: str | None = None,
        may_have_run: bool = False,
    ) -> None:
        """Describe a failure."""
        super().__init__(message)
        self.message = message
        self.hop = hop or type(self).hop
        self.remedy = type(self).remedy if remedy is None else remedy
        self.may_have_run = may_have_run

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a failure travel between processes, whatever its constructor wants."""
        return _restore, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        """Return hop, message and remedy as one paragraph."""
        sentences = [f"{self.hop}: {self.message}"]
        if self.may_have_run:
            sentences.append("The call may have done its work: look before a write is repeated.")
        if self.remedy:
            sentences.append(self.remedy)
        return " ".join(sentences)


def _restore(
    kind: type[Neo4jMcpError], args: tuple[Any, ...], state: dict[str, Any]
) -> Neo4jMcpError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class ConfigurationError(Neo4jMcpError):
    """What the caller was given is incomplete or not allowed."""

    hop = Hop.CONFIGURATION


class ParameterError(Neo4jMcpError, ValueError):
    """A query's parameter can't reach the database unchanged, so the query wasn't sent."""

    hop = Hop.CONFIGURATION
    remedy = (
        "Pass the value as a string, and convert it in the query: toInteger($value),"
        " toFloat($value)."
    )


class SecretStoreError(Neo4jMcpError):
    """The client's secret can't be read from Secrets Manager."""

    hop = Hop.SECRET_STORE
    remedy = "Check region and credentials of this shell: `aws sts get-caller-identity`."


class NetworkError(Neo4jMcpError):
    """No connection, or one that broke: name resolution, refused, reset, no answer in time."""

    hop = Hop.HOST
    remedy = "Check the address and the way to it (DNS, proxy, firewall), then call again."


class TlsError(Neo4jMcpError):
    """The other side's certificate isn't trusted, or TLS failed."""

    hop = Hop.HOST
    remedy = (
        "If your own authority issued the certificate, name its bundle in REQUESTS_CA_BUNDLE or"
        " SSL_CERT_FILE, or give ca_bundle."
    )


class CertificateRuleError(TlsError):
    """A certificate breaks a rule of RFC 5280 that only Python 3.13 and later enforce."""

    remedy = (
        "Trusting the authority once more doesn't help. Have the certificate that breaks the rule"
        " issued again. Until then, run Python 3.12; or, if the fault is in a root, put the"
        " intermediate authority that issued the server's certificate into the bundle in its place."
    )


class TokenRequestError(Neo4jMcpError):
    """The token endpoint gave no token."""

    hop = Hop.TOKEN_ENDPOINT
    remedy = "Check tokenUrl against the stack's output `tokenUrl`."


class InvalidClientError(TokenRequestError):
    """Wrong client id or wrong client secret."""

    remedy = (
        "Read the client's secret again: its ARN is in the stack's output `clients`. If the"
        " client was made anew, its id is new as well."
    )


class InvalidScopeError(TokenRequestError):
    """The client may not have a scope that it asks for."""

    remedy = (
        "Ask for the scopes of the client's own secret, or give the client this one: `pulumi"
        " config set --path 'neo4j-mcp:clients.<name>.scopes[0]' <scope>`, then `pulumi up`."
    )


class TokenEndpointUnavailableError(TokenRequestError):
    """The token endpoint is overloaded or failing (429 or 5xx), and stayed so.

    Attributes:
        status: the HTTP status, or None if no answer came in time.
        retry_after: seconds that the endpoint asks to wait, where it does.
    """

    remedy = (
        "Call again later. If it is 429: the quota is shared by the AWS account and region, so"
        " keep tokens in one TokenProvider for each process, or in a FileTokenCache for many."
    )

    def __init__(
        self, message: str, *, status: int | None, retry_after: float | None = None
    ) -> None:
        """Describe an endpoint that doesn't serve.

        Args:
            status: the HTTP status, or None if no answer came in time.
            retry_after: seconds that the endpoint asks to wait.
        """
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class UnauthorizedError(Neo4jMcpError):
    """The server answers 401: it saw no credentials that it knows how to pass on."""

    hop = Hop.SERVER
    remedy = (
        "Send `Authorization: Bearer <token>` with every request, with a capital B, and check"
        " that no proxy takes the header off."
    )


class TokenExpiredError(Neo4jMcpError):
    """The database says that the token has expired, and a renewed one didn't help."""

    hop = Hop.DATABASE
    remedy = "Check this machine's clock."


class TokenRejectedError(Neo4jMcpError):
    """The database doesn't accept the token, and a renewed one didn't help."""

    hop = Hop.DATABASE
    remedy = (
        "Compare Aura's single sign-on settings with the stack's output `auraSso`: discovery URI,"
        " audience and groups claim; `neo4j-mcp doctor` finds which one differs."
    )


class ForbiddenError(Neo4jMcpError):
    """The token is good, but its role may not do this."""

    hop = Hop.DATABASE
    remedy = "Use a client with a scope whose role may do it: see the stack's output `scopes`."


class ToolError(Neo4jMcpError):
    """A tool refused its arguments, or failed for a reason without one of Neo4j's codes.

    Attributes:
        json_rpc_code: the code of the JSON-RPC error, or None if a tool reported the failure.
    """

    hop = Hop.SERVER
    remedy = "The message is the server's own: correct the tool's name or arguments."
    json_rpc_code: int | None = None


class ToolNotFoundError(ToolError):
    """The server has no such tool."""

    remedy = (
        "List the tools with `tools()`. A server with `readOnly` has no write-cypher, and"
        " list-gds-procedures is there only if the database has Graph Data Science."
    )


class CypherError(ToolError):
    """The database refused or failed the query.

    Attributes:
        code: Neo4j's status code, as in ``Neo.ClientError.Statement.SyntaxError``.
    """

    hop = Hop.DATABASE
    remedy = "The message is Neo4j's own: correct the query or its parameters."

    def __init__(
        self, code: str, message: str, *, remedy: str | None = None, may_have_run: bool = False
    ) -> None:
        """Describe a failed query."""
        super().__init__(f"{code}: {message}", remedy=remedy, may_have_run=may_have_run)
        self.code = code


class DatabaseUnavailableError(Neo4jMcpError):
    """The server can't reach the database, or the database can't serve right now."""

    hop = Hop.DATABASE
    remedy = "Check that the Aura instance runs (it may be paused), and the configured neo4jUri."


class TimeLimitError(Neo4jMcpError):
    """The call took longer than the server (60 s), the host (120 s) or the database allows.

    Attributes:
        limit: the limit in seconds, or None if the database doesn't say its own.
    """

    hop = Hop.SERVER
    remedy = (
        "Split the query: fewer rows at a time with LIMIT and a cursor, writes in batches. The"
        " limits of server and host can't be configured."
    )

    def __init__(
        self, message: str, *, limit: float | None, hop: Hop, may_have_run: bool = True
    ) -> None:
        """Describe a call that took too long.

        Args:
            limit: the limit in seconds, or None if it isn't known.
        """
        super().__init__(message, hop=hop, may_have_run=may_have_run)
        self.limit = limit


class ServerError(Neo4jMcpError):
    """The host or the server answered something that is no MCP result.

    Attributes:
        status: the HTTP status.
    """

    hop = Hop.HOST
    remedy = (
        "Look at the service: is it paused, being deployed, or failing its health check? 429 means"
        " that all its instances are busy."
    )

    def __init__(
        self,
        message: str,
        *,
        status: int,
        remedy: str | None = None,
        may_have_run: bool = False,
        retry_after: float | None = None,
    ) -> None:
        """Describe an answer that is no result.

        Args:
            retry_after: seconds that the host asks to wait.
        """
        super().__init__(message, remedy=remedy, may_have_run=may_have_run)
        self.status = status
        self.retry_after = retry_after
