"""The exit statuses of the command, which let scripts distinguish failures."""

import enum

from neo4j_mcp_client.errors import (
    ConfigurationError,
    DatabaseUnavailableError,
    ForbiddenError,
    Neo4jMcpError,
    NetworkError,
    ParameterError,
    SecretStoreError,
    ServerError,
    TimeLimitError,
    TlsError,
    TokenExpiredError,
    TokenRejectedError,
    TokenRequestError,
    ToolError,
    UnauthorizedError,
)


class ExitCode(enum.IntEnum):
    """The exit statuses of `neo4j-mcp`."""

    OK = 0
    FAULT_FOUND = 1
    USAGE = 2
    CONFIGURATION = 3
    TOKEN = 4
    NETWORK = 5
    REFUSED = 6
    QUERY = 7
    TIME_LIMIT = 8
    FILE = 9
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141


MEANINGS = {
    ExitCode.OK: "Success.",
    ExitCode.FAULT_FOUND: "The doctor found a fault.",
    ExitCode.USAGE: "The command line is wrong.",
    ExitCode.CONFIGURATION: "The profile, the environment or the secret is missing or wrong.",
    ExitCode.TOKEN: "The token endpoint returned no token.",
    ExitCode.NETWORK: "The connection or TLS failed, or the service or database is unavailable.",
    ExitCode.REFUSED: "The token was rejected, or its role doesn't allow this.",
    ExitCode.QUERY: "The query or the tool failed.",
    ExitCode.TIME_LIMIT: "The call exceeded a time limit of the server, the host or the database.",
    ExitCode.FILE: "A file or standard output can't be used, for example because the disk is full.",
    ExitCode.INTERRUPTED: "Interrupted with Ctrl-C.",
    ExitCode.OUTPUT_CLOSED: "The reader of the output has exited, as in `| head`.",
}
"""What each status means."""

# The first match wins.
_BY_ERROR: tuple[tuple[type[Neo4jMcpError], ExitCode], ...] = (
    (ConfigurationError, ExitCode.CONFIGURATION),
    (ParameterError, ExitCode.USAGE),
    (SecretStoreError, ExitCode.CONFIGURATION),
    (TokenRequestError, ExitCode.TOKEN),
    (NetworkError, ExitCode.NETWORK),
    (TlsError, ExitCode.NETWORK),
    (ServerError, ExitCode.NETWORK),
    (DatabaseUnavailableError, ExitCode.NETWORK),
    (UnauthorizedError, ExitCode.REFUSED),
    (TokenExpiredError, ExitCode.REFUSED),
    (TokenRejectedError, ExitCode.REFUSED),
    (ForbiddenError, ExitCode.REFUSED),
    (TimeLimitError, ExitCode.TIME_LIMIT),
    (ToolError, ExitCode.QUERY),
)


def exit_code_of(error: Neo4jMcpError) -> ExitCode:
    """Return the exit status for a failure; `QUERY` if the table has none."""
    for kind, code in _BY_ERROR:
        if isinstance(error, kind):
            return code
    return ExitCode.QUERY
