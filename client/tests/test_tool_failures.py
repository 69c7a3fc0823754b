"""What the text of a failed tool means, in the words of the server and of Neo4j's Go driver."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo4j_mcp_client import (
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
from neo4j_mcp_client.tool_failures import seconds, tool_failure

SILENCE = (
    "Timeout while reading from connection [server-side timeout hint: 1m0s, user-provided context"
    " deadline: N/A]: read tcp 10.0.0.1:5->10.0.0.2:7687: i/o timeout"
)
GAVE_UP = (
    "TransactionExecutionLimit: timeout (exceeded max retry time: 30s) after 9 attempts, last"
    " error: "
)
FORBIDDEN = "Neo4jError: Neo.ClientError.Security.Forbidden (no)"
EXPIRED = "Neo4jError: Neo.ClientError.Security.TokenExpired (no)"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"failed to execute write query: {FORBIDDEN}", ForbiddenError),
        (FORBIDDEN, ForbiddenError),
        (f"{FORBIDDEN}\n", ForbiddenError),
        ("Neo4jError: Neo.ClientError.Security.Forbidden", ForbiddenError),
        (f"error during GetQueryType: {EXPIRED}", TokenExpiredError),
        (
            (
                "error during GetQueryType: TokenExpiredError:"
                " Neo.ClientError.Security.TokenExpired (Token expired)"
            ),
            TokenExpiredError,
        ),
        ("Neo4jError: Neo.ClientError.Security.Unauthorized (no)", TokenRejectedError),
        (f"failed to execute read query: {GAVE_UP}ConnectivityError: {SILENCE}", TimeLimitError),
        (f"failed to execute read query: {GAVE_UP}{SILENCE}", TimeLimitError),
        (f"failed to execute read query: ConnectivityError: {SILENCE}", TimeLimitError),
        (
            (
                "failed to execute read query: Neo4jError:"
                " Neo.ClientError.Transaction.TransactionTimedOut (The transaction has timed out)"
            ),
            TimeLimitError,
        ),
        (f"error during GetQueryType: {GAVE_UP}EOF", DatabaseUnavailableError),
        ("ConnectivityError: dial tcp: connection refused", DatabaseUnavailableError),
        ("failed to execute write query: unexpected EOF", DatabaseUnavailableError),
        ("failed to execute write query: unexpected EOF in the query", ToolError),
        (
            "Neo4jError: Neo.TransientError.General.DatabaseUnavailable (no)",
            DatabaseUnavailableError,
        ),
        (f"failed to execute read query: {GAVE_UP}{FORBIDDEN}", ForbiddenError),
        ("Neo4jError: Neo.TransientError.Transaction.DeadlockDetected (no)", CypherError),
        ("failed to format records as JSON: json: unsupported value: +Inf", ToolError),
        ("Query parameter is required and cannot be empty", ToolError),
        ("", ToolError),
    ],
)
def test_each_text_has_its_exception(text: str, kind: type[Neo4jMcpError]) -> None:
    error = tool_failure(text)
    assert type(error) is kind
    assert not isinstance(error, CypherError) or error.code in text


ALARMING = [
    "Neo.ClientError.Security.Forbidden",
    "Neo4jError: Neo.ClientError.Security.TokenExpired (no)",
    "TokenExpiredError: Neo.ClientError.Security.TokenExpired (no)",
    "ConnectivityError: dial tcp",
    "TransactionExecutionLimit: x after 1 attempts, last error: EOF",
    SILENCE,
    ") Neo.TransientError.Security.AuthProviderFailed (",
]


@pytest.mark.parametrize("alarming", ALARMING, ids=range(len(ALARMING)))
@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (
            (
                "error during GetQueryType: Neo4jError: Neo.ClientError.Statement.SyntaxError"
                " (Invalid input (line 1, column 9 (offset: 8))\n\"EXPLAIN RETUR '"
            ),
            "'\"\n         ^)",
            CypherError,
        ),
        (
            (
                "failed to execute read query: Neo4jError:"
                " Neo.ClientError.Transaction.TransactionTimedOut (RETURN '"
            ),
            "')",
            TimeLimitError,
        ),
        ('tool "', '" refuses', ToolError),
    ],
)
def test_a_querys_text_does_not_change_the_verdict(
    before: str, after: str, kind: type[Neo4jMcpError], alarming: str
) -> None:
    assert type(tool_failure(f"{before}{alarming}{after}")) is kind


@given(st.text())
def test_neo4js_message_is_kept_complete(message: str) -> None:
    code = "Neo.ClientError.Statement.SemanticError"
    error = tool_failure(f"failed to execute read query: Neo4jError: {code} ({message})")
    assert isinstance(error, CypherError)
    assert error.code == code
    assert error.message == f"{code}: {message}"


def test_the_databases_time_limit_is_named() -> None:
    error = tool_failure(f"failed to execute write query: {GAVE_UP}ConnectivityError: {SILENCE}")
    assert isinstance(error, TimeLimitError)
    assert (error.limit, error.hop) == (60.0, Hop.DATABASE)
    assert "60 s, its time limit" in error.message
    assert "paused" not in str(error)


@pytest.mark.parametrize(
    ("text", "may_have_run"),
    [
        ("failed to execute write query: unexpected EOF", True),
        ("error during GetQueryType: unexpected EOF", False),
        (f"failed to execute write query: ConnectivityError: {SILENCE}", True),
        ("failed to execute write query: ConnectivityError: EOF", True),
        (
            "failed to execute write query: ConnectivityError: Connection lost during commit: EOF",
            True,
        ),
        (f"error during GetQueryType: ConnectivityError: {SILENCE}", False),
        ("error during GetQueryType: ConnectivityError: EOF", False),
        (f"failed to execute write query: {GAVE_UP}ConnectivityError: dial tcp: refused", False),
        (
            (
                "failed to execute write query: ConnectivityError: Unable to retrieve routing table"
                " from db:7687: dial tcp: lookup db: no such host"
            ),
            False,
        ),
        (
            (
                "failed to execute write query: Neo4jError:"
                " Neo.ClientError.Transaction.TransactionTimedOut (rolled back)"
            ),
            False,
        ),
    ],
)
def test_a_query_may_have_run_only_where_it_reached_the_database(
    text: str, *, may_have_run: bool
) -> None:
    assert tool_failure(text).may_have_run is may_have_run


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", "LIMIT"),
        ("Neo.TransientError.Security.AuthProviderFailed", "discovery URI"),
        ("Neo.ClientError.Security.AuthenticationRateLimit", "wait"),
        ("Neo.ClientError.Database.DatabaseNotFound", "neo4jDatabase"),
        ("Neo.TransientError.Transaction.DeadlockDetected", "Call again"),
    ],
)
def test_a_code_has_its_remedy(code: str, says: str) -> None:
    assert says in tool_failure(f"Neo4jError: {code} (no)").remedy


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("1m0s", 60.0),
        ("2h0m1.5s", 7201.5),
        ("500ms", 0.5),
        ("0s", None),
        ("N/A", None),
        ("", None),
        ("5 s", None),
    ],
)
def test_a_duration_of_go(duration: str, expected: float | None) -> None:
    assert seconds(duration) == expected
