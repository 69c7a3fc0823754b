"""Turns the text of a failed tool into an exception.

The server (1.6) prepends its own words to the message of Neo4j's Go driver, as in
``failed to execute read query: Neo4jError: Neo.ClientError.Statement.SyntaxError (…)``, and Neo4j's
message often quotes the query. So a text is matched from its start and never searched: the contents
of a query can't change the result.

Source: `neo4j/internal/errorutil` and `neo4j/db/errors.go` in neo4j-go-driver 6.1, and
`internal/database/service.go` in neo4j/mcp.
"""

import re

from neo4j_mcp_client.errors import (
    CypherError,
    DatabaseUnavailableError,
    ForbiddenError,
    Hop,
    Neo4jMcpError,
    TimeLimitError,
    TokenExpiredError,
    TokenRejectedError,
    ToolError,
)

_FAILURE = re.compile(
    r"""
    (?P<action>                          # the server's own words
        (?:(?!(?:Neo4j|TokenExpired|Connectivity)Error:|TransactionExecutionLimit:)[\w\ -]+:\ )*+
    )
    (?:TransactionExecutionLimit:\ (?P<gave_up>[^\n]*?)\ after\ \d+\ attempts,\ last\ error:\ )?
    (?:
        (?:Neo4jError|TokenExpiredError):\ (?P<code>Neo\.\w+\.\w+\.\w+)\b(?P<message>.*)
        | (?P<connection>ConnectivityError:\ )?(?P<reason>.*)
    )
    """,
    re.VERBOSE | re.DOTALL,
)
# read-cypher first runs EXPLAIN to find out whether a query only reads.
_CLASSIFYING = "error during GetQueryType"
_READ_TIMEOUT = re.compile(
    r"(?:Connection lost during commit: )?"
    r"Timeout while reading from connection \[server-side timeout hint: (?P<hint>[^,\]]*)"
)
# No connection to the database. The driver runs each query in a transaction, and retries only if
# that wasn't committed, so earlier attempts haven't changed anything either.
_NOT_CONNECTED = re.compile(
    r"dial |Unable to retrieve routing table|Pool could not find any servers|No idle connections"
    r"|Timeout while waiting for connection|tls: |x509: "
)
# The driver doesn't recognize the end of a connection in the middle of a message, and passes Go's
# words on: WrapError knows io.EOF, but not io.ErrUnexpectedEOF.
_CUT_OFF = "unexpected EOF"
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>h|ms|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}

_TIMED_OUT = frozenset(
    {
        "Neo.ClientError.Transaction.TransactionTimedOut",
        "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
    }
)
# Source: "Neo4j status codes".
_BY_CODE: dict[str, type[Neo4jMcpError]] = {
    "Neo.ClientError.Security.TokenExpired": TokenExpiredError,
    "Neo.ClientError.Security.AuthorizationExpired": TokenExpiredError,
    "Neo.ClientError.Security.Unauthorized": TokenRejectedError,
    "Neo.ClientError.Security.CredentialsExpired": TokenRejectedError,
    "Neo.ClientError.Security.Forbidden": ForbiddenError,
    "Neo.ClientError.Security.AuthenticationRateLimit": DatabaseUnavailableError,
    "Neo.TransientError.Security.AuthProviderFailed": DatabaseUnavailableError,
    "Neo.TransientError.Security.AuthProviderTimeout": DatabaseUnavailableError,
    "Neo.TransientError.General.DatabaseUnavailable": DatabaseUnavailableError,
    "Neo.TransientError.Database.DatabaseUnavailable": DatabaseUnavailableError,
}
_PROVIDER = (
    "Aura can't reach the token's issuer: compare the discovery URI in its single sign-on settings"
    " with the stack's output `auraSso`, then call again."
)
_MEMORY = (
    "Return or collect less at a time: LIMIT, fewer properties, writes in batches. The database"
    " rolled the query back."
)
_REMEDIES = {
    "Neo.ClientError.Database.DatabaseNotFound": "Compare `pulumi config get"
    " neo4j-mcp:neo4jDatabase` with the databases of the instance.",
    "Neo.ClientError.Procedure.ProcedureNotFound": "If an apoc.* procedure is missing: get-schema"
    " needs APOC in the database.",
    "Neo.ClientError.Security.AuthenticationRateLimit": "Too many logins failed: wait a few"
    " seconds, and find the caller with the wrong token.",
    "Neo.ClientError.Statement.ParameterMissing": "Pass a value in params for every"
    " $name of the query.",
    "Neo.TransientError.General.MemoryPoolOutOfMemoryError": _MEMORY,
    "Neo.TransientError.General.OutOfMemoryError": _MEMORY,
    "Neo.TransientError.Security.AuthProviderFailed": _PROVIDER,
    "Neo.TransientError.Security.AuthProviderTimeout": _PROVIDER,
}
_TRANSIENT = "Neo.TransientError."


def tool_failure(text: str) -> Neo4jMcpError:
    """Create the exception for a failed tool.

    Args:
        text: the text of a result with ``isError``.
    """
    found = _FAILURE.match(text)
    if found is None:
        return ToolError(text)
    if found["code"]:
        return _by_code(found["code"], found["message"].removeprefix(" (").removesuffix(")"))
    may_have_run = not found["action"].startswith(_CLASSIFYING)
    if timeout := _READ_TIMEOUT.match(found["reason"]):
        return _connection_timeout(text, seconds(timeout["hint"]), may_have_run=may_have_run)
    if found["connection"] or found["gave_up"] or found["reason"] == _CUT_OFF:
        connected = _NOT_CONNECTED.match(found["reason"]) is None
        return DatabaseUnavailableError(text, may_have_run=may_have_run and connected)
    return ToolError(text)


def seconds(duration: str) -> float | None:
    """Parse a duration in Go's notation.

    Args:
        duration: such as ``1m0s``.

    Returns:
        Seconds, or None if it isn't a duration or is zero, which means no limit.
    """
    parts = list(_DURATION.finditer(duration))
    if "".join(part[0] for part in parts) != duration:
        return None
    return sum(float(part["number"]) * _SECONDS[part["unit"]] for part in parts) or None


def _by_code(code: str, message: str) -> Neo4jMcpError:
    remedy = _REMEDIES.get(code)
    if code in _TIMED_OUT:
        return TimeLimitError(
            f"{code}: the database's own time limit ended the query: {message}",
            limit=None,
            hop=Hop.DATABASE,
            may_have_run=False,
        )
    if kind := _BY_CODE.get(code):
        return kind(f"{code}: {message}", remedy=remedy)
    if remedy is None and code.startswith(_TRANSIENT):
        remedy = "Call again: the database rolled the transaction back."
    return CypherError(code, message, remedy=remedy)


def _connection_timeout(text: str, limit: float | None, *, may_have_run: bool) -> TimeLimitError:
    within = "its time limit" if limit is None else f"{limit:g} s, its time limit"
    return TimeLimitError(
        f"the database sent nothing within {within} for connections: the query takes longer, or"
        f" the connection is dead. The server says: {text}",
        limit=limit,
        hop=Hop.DATABASE,
        may_have_run=may_have_run,
    )
