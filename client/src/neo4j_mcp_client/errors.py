"""The exceptions of this package, one for each kind of failure.

Each exception names the hop where the call failed and how to fix it. None contains a secret.
"""

import enum
from typing import Any


class Hop(enum.StrEnum):
    """A hop between a caller and the database."""

    CONFIGURATION = "configuration"
    SECRET_STORE = "secret store"  # noqa: S105 - the name of a hop
    TOKEN_ENDPOINT = "token endpoint"  # noqa: S105 - the name of a hop
    HOST = "host"
    SERVER = "server"
    DATABASE = "database"


def as_sentence(text: str) -> str:
    """Return a text with a full stop at its end, unless it ends as a sentence does.

    What a server, a library or the system says may have a full stop or not.
    """
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


class Neo4jMcpError(Exception):
    """The base of all exceptions that this package raises.

    Attributes:
        hop: where the call failed.
        remedy: how to fix it; empty if there is no general advice.
        may_have_run: whether the call may have been executed despite the failure. Check before
            you repeat a write.
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
        """Describe a failure.

        Args:
            message: what went wrong, without any secret.
            hop: defaults to the hop of the class.
            remedy: defaults to the remedy of the class.
            may_have_run: whether the call may have been executed despite the failure.
        """
        super().__init__(message)
        self.message = message
        self.hop = hop or type(self).hop
        self.remedy = type(self).remedy if remedy is None else remedy
        self.may_have_run = may_have_run

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickling, whatever the arguments of a subclass's constructor."""
        return _restore, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        """Return hop, message and remedy as one paragraph."""
        sentences = [f"{self.hop}: {as_sentence(self.message)}"]
        if self.may_have_run:
            sentences.append(MAY_HAVE_RUN)
        if self.remedy:
            sentences.append(self.remedy)
        return " ".join(sentences)


MAY_HAVE_RUN = "The call may have been executed: check before you repeat a write."
"""What a person reads if `Neo4jMcpError.may_have_run` is true."""


def _restore(
    kind: type[Neo4jMcpError], args: tuple[Any, ...], state: dict[str, Any]
) -> Neo4jMcpError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class ConfigurationError(Neo4jMcpError):
    """A setting is missing or not allowed."""

    hop = Hop.CONFIGURATION


class ParameterError(Neo4jMcpError, ValueError):
    """A query parameter would change on its way to the database, so the query wasn't sent."""

    hop = Hop.CONFIGURATION
    remedy = (
        "Pass the value as a string, and convert it in the query: toInteger($value),"
        " toFloat($value)."
    )


class SecretStoreError(Neo4jMcpError):
    """The client's secret can't be read from Secrets Manager."""

    hop = Hop.SECRET_STORE
    remedy = "Check this shell's AWS region and credentials: `aws sts get-caller-identity`."


class NetworkError(Neo4jMcpError):
    """The connection failed or broke: name resolution, refused, reset, or no answer in time."""

    hop = Hop.HOST
    remedy = "Check the address and the network path (DNS, proxy, firewall), then call again."


class TlsError(Neo4jMcpError):
    """The server's certificate isn't trusted, or TLS failed."""

    hop = Hop.HOST
    remedy = (
        "If your own authority issued the certificate, set REQUESTS_CA_BUNDLE, SSL_CERT_FILE or"
        " ca_bundle to its bundle."
    )


class CertificateRuleError(TlsError):
    """A certificate breaks a rule of RFC 5280 that only Python 3.13 and later enforce."""

    remedy = (
        "Adding the authority to the bundle doesn't help. Have the faulty certificate reissued."
        " Until then, run Python 3.12. If the faulty certificate is a root, you can instead replace"
        " it in the bundle with the intermediate authority that issued the server's certificate."
    )


class TokenRequestError(Neo4jMcpError):
    """The token endpoint returned no token."""

    hop = Hop.TOKEN_ENDPOINT
    remedy = "Compare tokenUrl with the stack's output `tokenUrl`."


class InvalidClientError(TokenRequestError):
    """The client id or the client secret is wrong."""

    remedy = (
        "Read the client's secret again: its ARN is in the stack's output `clients`. If the"
        " client was recreated, its id has changed too."
    )


class InvalidScopeError(TokenRequestError):
    """The client requests a scope that it isn't allowed to have, or is disabled."""

    remedy = (
        "Request the scopes in the client's own secret, or give the client this scope: `pulumi"
        " config set --path 'neo4j-mcp:clients.<name>.scopes[0]' <scope>`, then `pulumi up`."
    )


class ClientDisabledError(TokenRequestError):
    """The client may not request tokens at all."""

    remedy = (
        "Enable the client, unless it was disabled on purpose: `pulumi config set --path"
        " neo4j-mcp:clients.<name>.enabled true`, then `pulumi up`."
    )


class TokenEndpointUnavailableError(TokenRequestError):
    """The token endpoint stayed overloaded or kept failing (429 or 5xx).

    Attributes:
        status: the HTTP status, or None if there was no answer in time.
        retry_after: seconds that the endpoint asked to wait, or None.
    """

    remedy = (
        "Call again later. If the status is 429: all clients of the AWS account and region share"
        " the quota, so share tokens in one TokenProvider per process, or in a FileTokenCache."
    )

    def __init__(
        self, message: str, *, status: int | None, retry_after: float | None = None
    ) -> None:
        """Describe an unavailable endpoint."""
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class UnauthorizedError(Neo4jMcpError):
    """The server answers 401: the request has no Bearer token that it can pass on."""

    hop = Hop.SERVER
    remedy = (
        "Send `Authorization: Bearer <token>` with every request, with a capital B, and check"
        " that no proxy removes the header."
    )


class TokenExpiredError(Neo4jMcpError):
    """The database says that the token has expired, and a new token didn't help."""

    hop = Hop.DATABASE
    remedy = "Check this machine's clock."


class TokenRejectedError(Neo4jMcpError):
    """The database rejects the token, and a new token didn't help."""

    hop = Hop.DATABASE
    remedy = (
        "Compare Aura's single sign-on settings with the stack's output `auraSso`: discovery URI,"
        " audience and groups claim. `neo4j-mcp doctor` finds which one differs."
    )


class ForbiddenError(Neo4jMcpError):
    """The token is valid, but its role doesn't allow this."""

    hop = Hop.DATABASE
    remedy = "Use a client with a scope whose role allows it: see the stack's output `scopes`."


class ToolError(Neo4jMcpError):
    """A tool rejected its arguments, or failed without one of Neo4j's status codes.

    Attributes:
        json_rpc_code: the code of the JSON-RPC error, or None if the tool reported the failure.
    """

    hop = Hop.SERVER
    remedy = "The message comes from the server: correct the tool's name or arguments."
    json_rpc_code: int | None = None


class ToolNotFoundError(ToolError):
    """The server has no such tool."""

    remedy = (
        "List the tools with `tools()`. A server with `readOnly` has no write-cypher, and"
        " list-gds-procedures exists only if the database has Graph Data Science."
    )


class CypherError(ToolError):
    """The database rejected the query, or failed to run it.

    Attributes:
        code: Neo4j's status code, such as ``Neo.ClientError.Statement.SyntaxError``.
    """

    hop = Hop.DATABASE
    remedy = "The message comes from Neo4j: correct the query or its parameters."

    def __init__(
        self, code: str, message: str, *, remedy: str | None = None, may_have_run: bool = False
    ) -> None:
        """Describe a failed query."""
        super().__init__(f"{code}: {message}", remedy=remedy, may_have_run=may_have_run)
        self.code = code


class DatabaseUnavailableError(Neo4jMcpError):
    """The server can't reach the database, or the database can't serve requests."""

    hop = Hop.DATABASE
    remedy = "Check that the Aura instance is running (it may be paused), and check neo4jUri."


class TimeLimitError(Neo4jMcpError):
    """The call exceeded the time limit of the server (60 s), the host (120 s) or the database.

    Attributes:
        limit: the limit in seconds, or None if the database doesn't report it.
    """

    hop = Hop.SERVER
    remedy = (
        "Split the query: read fewer rows at a time with LIMIT and a cursor, write in batches. The"
        " limits of server and host can't be configured."
    )

    def __init__(
        self, message: str, *, limit: float | None, hop: Hop, may_have_run: bool = True
    ) -> None:
        """Describe a call that took too long."""
        super().__init__(message, hop=hop, may_have_run=may_have_run)
        self.limit = limit


class ServerError(Neo4jMcpError):
    """The host or the server answered with something other than an MCP result.

    Attributes:
        status: the HTTP status.
        retry_after: seconds that the host asked to wait, or None.
    """

    hop = Hop.HOST
    remedy = "Check the service: it may be paused, being deployed, or failing its health check."

    def __init__(
        self,
        message: str,
        *,
        status: int,
        remedy: str | None = None,
        may_have_run: bool = False,
        retry_after: float | None = None,
    ) -> None:
        """Describe an answer that isn't an MCP result."""
        super().__init__(message, remedy=remedy, may_have_run=may_have_run)
        self.status = status
        self.retry_after = retry_after
