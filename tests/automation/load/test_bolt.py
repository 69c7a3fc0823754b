"""What a call runs in the database."""

from pathlib import Path

import neo4j
import pytest

from automation.load.bolt import BoltError, Statement, connected, explanation, statement
from automation.load.mix import DEFAULT, Entry, Mix, read_mix


def _statement(entry: Entry) -> Statement:
    return statement(entry, "run-7", schema_sample_size=50)


def test_a_query_has_its_parameters_and_the_unique_one() -> None:
    entry = Entry(
        name="create",
        tool="write-cypher",
        arguments={"query": "CREATE (:A {id: $id, b: $b})", "params": {"b": 1}},
        unique="id",
    )
    assert _statement(entry) == Statement(
        query="CREATE (:A {id: $id, b: $b})", parameters={"b": 1, "id": "run-7"}, writes=True
    )


def test_a_read_without_parameters_has_none() -> None:
    entry = Entry(name="read", tool="read-cypher", arguments={"query": "RETURN 1"})
    assert _statement(entry) == Statement(query="RETURN 1", parameters={}, writes=False)


def test_a_schema_call_samples_as_many_nodes_as_the_server() -> None:
    found = _statement(Entry(name="schema", tool="get-schema"))
    assert "apoc.meta.schema({sample: $sampleSize})" in found.query
    assert (found.parameters, found.writes) == ({"sampleSize": 50}, False)


def test_the_server_explains_a_read_before_it_runs_it() -> None:
    read = Statement(query="RETURN $a", parameters={"a": 1}, writes=False)
    assert explanation(read) == Statement(
        query="EXPLAIN RETURN $a", parameters={"a": 1}, writes=True
    )


def _connect(mix: Mix) -> None:
    uri = "bolt://127.0.0.1:1"
    auth = neo4j.bearer_auth("secret")
    with connected(uri, "neo4j", lambda: auth, mix, schema_sample_size=50, most=1):
        pytest.fail("it connected")


def test_a_database_out_of_reach_is_reported_without_the_token() -> None:
    with pytest.raises(
        BoltError, match=r"can't use the database at bolt://127\.0\.0\.1:1"
    ) as error:
        _connect(read_mix(DEFAULT))
    assert "secret" not in str(error.value)


def test_a_tool_that_runs_no_query_of_the_mix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mix.yaml"
    path.write_text("calls: [{name: gds, tool: list-gds-procedures}]", encoding="utf-8")
    with pytest.raises(BoltError, match="list-gds-procedures, which is no Cypher of the mix"):
        _connect(read_mix(path))
