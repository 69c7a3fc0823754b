import inspect
import pickle

import pytest

import neo4j_mcp_client
from neo4j_mcp_client import (
    CypherError,
    Hop,
    Neo4jMcpError,
    ServerError,
    TimeLimitError,
    TokenEndpointUnavailableError,
    errors,
)

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, Neo4jMcpError)
]


def test_a_failure_names_hop_and_remedy() -> None:
    error = ServerError("answers HTTP 503.", status=503, remedy="Wait.", may_have_run=True)
    assert str(error) == (
        "host: answers HTTP 503. The call may have been executed: check before you repeat a"
        " write. Wait."
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("it failed", "it failed."), ("it failed.", "it failed."), ("why?", "why?"), ("no…", "no…")],
)
def test_a_full_stop_is_added_where_there_is_none(text: str, sentence: str) -> None:
    assert errors.as_sentence(text) == sentence


@pytest.mark.parametrize(
    "error",
    [
        Neo4jMcpError("what", hop=Hop.SERVER, remedy="fix", may_have_run=True),
        CypherError("Neo.ClientError.Statement.SyntaxError", "what"),
        ServerError("what", status=500, retry_after=3),
        TimeLimitError("what", limit=60, hop=Hop.SERVER),
        TokenEndpointUnavailableError("what", status=429),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_travels_between_processes(error: Neo4jMcpError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_failure_is_exported(kind: type[Neo4jMcpError]) -> None:
    assert getattr(neo4j_mcp_client, kind.__name__) is kind
    assert kind.__name__ in neo4j_mcp_client.__all__
