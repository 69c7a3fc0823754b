"""What a response means."""

import json

import pytest

from automation.load.engine import Recorded
from automation.load.mix import Entry
from automation.load.outcomes import judge

READ = Entry(name="read", tool="read-cypher", arguments={"query": "RETURN 1"})
SCHEMA = Entry(name="schema", tool="get-schema")


def _recorded(
    body: bytes = b"", *, status: int = 200, error: str = "", entry: Entry = READ
) -> Recorded:
    return Recorded(
        entry=entry,
        client="writer",
        identity="run-0",
        due=1.0,
        sent=1.25,
        ended=2.0,
        status=status,
        body=body,
        error=error,
    )


def _result(text: str, *, is_error: bool = False) -> bytes:
    content = [{"type": "text", "text": text}]
    return json.dumps(
        {"jsonrpc": "2.0", "id": 1, "result": {"content": content, "isError": is_error}}
    ).encode()


@pytest.mark.parametrize(
    ("recorded", "kind"),
    [
        (_recorded(_result("[]")), None),
        (_recorded(_result('[{"one": 1}]')), None),
        (_recorded(_result("no schema"), entry=SCHEMA), None),
        (_recorded(_result("no rows")), "ServerError"),
        (_recorded(_result("broken", is_error=True)), "ToolError"),
        (_recorded(b"<html>"), "ServerError"),
        (_recorded(b'{"jsonrpc": "2.0", "error": {"code": -32603, "message": "x"}}'), "ToolError"),
        (_recorded(b"denied", status=401, error="401 Unauthorized"), "UnauthorizedError"),
        (_recorded(b"busy", status=429, error="429 Too Many Requests"), "HTTP 429"),
        (_recorded(status=503, error="503 Service Unavailable"), "HTTP 503"),
        (_recorded(status=301), "HTTP 301"),
        (_recorded(status=0, error='Post "http://x": context deadline exceeded'), "timeout"),
        (_recorded(status=0, error="dial tcp: connect: connection refused"), "connection refused"),
        (_recorded(status=0, error="lookup x: no such host"), "unknown host"),
        (_recorded(status=0, error='Post "http://x": EOF'), "connection closed"),
        (_recorded(status=0, error="x509: certificate signed by unknown authority"), "TLS"),
        (_recorded(status=0, error="something else"), "network"),
        (_recorded(_result("[]"), error="unexpected EOF"), "connection closed"),
    ],
)
def test_a_call_succeeds_only_if_the_client_library_would_return(
    recorded: Recorded, kind: str | None
) -> None:
    failure = judge(recorded).failure
    assert (failure.kind if failure else None) == kind


def test_times_count_from_when_the_call_was_due() -> None:
    outcome = judge(_recorded(_result("[]")))
    assert (outcome.seconds, outcome.late) == (1.0, 0.25)
