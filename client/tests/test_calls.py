"""What an answer means, for every answer."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from client.tests.site import failed, neo4j_failed
from neo4j_mcp_client import (
    Neo4jMcpError,
    TokenExpiredError,
    TokenRejectedError,
    UnauthorizedError,
)
from neo4j_mcp_client.calls import (
    Reply,
    parse_rows,
    parse_schema,
    parse_tools,
    parse_value,
    token_refusal,
)

names = st.sampled_from(
    ["result", "error", "content", "tools", "text", "type", "isError", "name", "annotations"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["text", "[]", "[{}]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
)


def reply(body: bytes, status: int = 200) -> Reply:
    return Reply(status=status, body=body, retry_after=None, elapsed=0.1)


@pytest.mark.parametrize("read", [parse_value, parse_rows, parse_schema, parse_tools])
@given(document=anything, status=st.sampled_from([200, 200, 200, 401, 500]))
@example(document={"result": {"tools": [{}]}}, status=200)
@example(document={"result": {"content": [{"type": "text"}]}}, status=200)
@example(document={"result": {"content": [{"type": "text", "text": "[1]"}]}}, status=200)
def test_whatever_is_answered_is_a_value_or_a_failure_by_name(
    read: Callable[[Reply], Any],
    document: Any,  # noqa: ANN401 - any JSON
    status: int,
) -> None:
    try:
        value = read(reply(json.dumps(document).encode(), status))
    except Neo4jMcpError:
        return
    if read is parse_rows:
        assert all(isinstance(row, dict) for row in value)


@given(st.binary())
def test_bytes_that_are_no_json_are_a_failure_by_name(body: bytes) -> None:
    with pytest.raises(Neo4jMcpError):
        parse_value(reply(b"\xff" + body))


@pytest.mark.parametrize(
    ("status", "body", "refusal"),
    [
        (401, b"no", UnauthorizedError),
        (200, neo4j_failed("Neo.ClientError.Security.TokenExpired").content, TokenExpiredError),
        (200, neo4j_failed("Neo.ClientError.Security.Unauthorized").content, TokenRejectedError),
        (200, neo4j_failed("Neo.ClientError.Security.Forbidden").content, type(None)),
        (200, failed("Neo.ClientError.Security").content, type(None)),
        (200, b"Neo.ClientError.Security.TokenExpired", type(None)),
        (503, b"Neo.ClientError.Security.TokenExpired", type(None)),
    ],
)
def test_only_a_refused_token_is_a_refusal(status: int, body: bytes, refusal: type) -> None:
    assert type(token_refusal(status, body)) is refusal
