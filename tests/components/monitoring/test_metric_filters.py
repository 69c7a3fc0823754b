"""The patterns match the lines that the pinned server and the claims function write."""

import json

import pytest

from components.monitoring.metric_filters import FAILED_TOOL_CALLS, TOKENS_ISSUED
from functions.claims.handler import handle
from localcloud.aws.logs.patterns import parse_pattern

_REFUSED = "dial tcp 127.0.0.1:1: connect: connection refused"
# Lines of the server 1.6.1 with NEO4J_MCP_LOG_FORMAT=json, whose calls failed as the comments say.
_NO_QUERY = ["Query parameter is required and cannot be empty"]
_DATABASE_DOWN = ["Error during GetQueryType", "error classifying cypher query"]
_SCHEMA = ["Error in ExecuteReadQuery", "failed to execute schema query"]


def _lines(messages: list[str]) -> list[str]:
    return [
        json.dumps(
            {
                "time": "2026-11-27T16:48:15.755345276Z",
                "level": "ERROR",
                "msg": message,
                "error": f"ConnectivityError: {_REFUSED}",
            }
        )
        for message in messages
    ]


@pytest.mark.parametrize(
    ("messages", "failures"), [(_DATABASE_DOWN, 1), (_SCHEMA, 1), (_NO_QUERY, 0)]
)
def test_a_failed_call_counts_once(messages: list[str], failures: int) -> None:
    pattern = parse_pattern(FAILED_TOOL_CALLS)
    matching = [line for line in _lines(messages) if pattern.match(line) is not None]
    assert len(matching) == failures


@pytest.mark.parametrize("level", ["INFO", "WARN"])
def test_other_lines_do_not_count(level: str) -> None:
    line = json.dumps({"level": level, "msg": "error classifying cypher query"})
    assert parse_pattern(FAILED_TOOL_CALLS).match(line) is None


def test_a_token_is_counted_for_its_client(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESOURCE_SERVER_IDENTIFIER", "neo4j-mcp")
    event = {
        "triggerSource": "TokenGeneration_ClientCredentials",
        "callerContext": {"clientId": "1example23456789"},
        "request": {"scopes": ["neo4j-mcp/reader"]},
    }
    handle(event, None)

    found = parse_pattern(TOKENS_ISSUED).match(capsys.readouterr().out.rstrip())
    assert found is not None
    assert found["$.aud"] == "1example23456789"
