"""What the command's exit status says, so that scripts can tell failures apart. Pure."""

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
    ExitCode.OK: "It worked.",
    ExitCode.FAULT_FOUND: "The doctor found a fault.",
    ExitCode.USAGE: "The command line is wrong.",
    ExitCode.CONFIGURATION: "Profile, environment or secret are missing or wrong.",
    ExitCode.TOKEN: "The token endpoint gives no token.",
    ExitCode.NETWORK: "No connection, TLS failed, or the service or the database doesn't serve.",
    ExitCode.REFUSED: "The token is refused, or its role may not do this.",
    ExitCode.QUERY: "The query or the tool failed.",
    ExitCode.TIME_LIMIT: "The call took longer than the server, the host or the database allows.",
    ExitCode.FILE: "A file or standard output can't be used, as when a disk is full.",
    ExitCode.INTERRUPTED: "Interrupted by Ctrl-C.",
    ExitCode.OUTPUT_CLOSED: "Nobody reads the output any more, as after `| head`.",
}
"""What each status means."""

# The first that fits counts.
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
    """Choose the exit status for a failure."""
    for kind, code in _BY_ERROR:
        if isinstance(error, kind):
            return code
    return ExitCode.QUERY
