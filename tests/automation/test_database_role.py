from fnmatch import fnmatchcase

import pytest
from typer.testing import CliRunner

from automation.commands import app
from automation.database_role import DENIED_PROCEDURES, role_commands


def test_readers_have_what_neo4js_reader_has_and_less_beyond_the_graph() -> None:
    commands = role_commands("agent_reader", database="movies-1", writes=False)

    assert commands[:6] == (
        "CREATE ROLE agent_reader IF NOT EXISTS",
        "GRANT ACCESS ON DATABASE `movies-1` TO agent_reader",
        "GRANT MATCH {*} ON GRAPH `movies-1` TO agent_reader",
        "GRANT SHOW INDEX ON DATABASE `movies-1` TO agent_reader",
        "GRANT SHOW CONSTRAINT ON DATABASE `movies-1` TO agent_reader",
        "DENY WRITE ON GRAPH `movies-1` TO agent_reader",
    )
    assert "DENY LOAD ON ALL DATA TO agent_reader" in commands
    assert "DENY EXECUTE ADMIN PROCEDURES ON DBMS TO agent_reader" in commands


def test_only_writers_may_write() -> None:
    commands = role_commands("agent", database="neo4j", writes=True)

    assert "GRANT WRITE ON GRAPH `neo4j` TO agent" in commands
    assert not [each for each in commands if each.startswith("DENY WRITE")]
    assert "DENY LOAD ON ALL DATA TO agent" in commands


@pytest.mark.parametrize(
    "procedure", ["apoc.meta.schema", "db.labels", "db.schema.visualization", "gds.list"]
)
def test_what_reads_the_graph_is_not_denied(procedure: str) -> None:
    assert not [each for each in DENIED_PROCEDURES if fnmatchcase(procedure, each)]


@pytest.mark.parametrize(
    "procedure",
    ["apoc.load.json", "apoc.export.csv.all", "apoc.cypher.runFile", "gds.graph.export.csv"],
)
def test_what_reaches_beyond_the_graph_is_denied(procedure: str) -> None:
    assert [each for each in DENIED_PROCEDURES if fnmatchcase(procedure, each)]


def test_the_command_prints_each_command_with_a_semicolon() -> None:
    printed = CliRunner().invoke(app, ["database-role", "agent", "--database", "movies"])

    assert printed.exit_code == 0
    expected = role_commands("agent", database="movies", writes=False)
    assert printed.stdout == "".join(f"{each};\n" for each in expected)


@pytest.mark.parametrize(
    "arguments", [["a b"], ["1a"], ["agent; DROP ROLE admin"], ["agent", "--database", "a`b"]]
)
def test_a_name_that_would_end_the_command_is_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["database-role", *arguments]).exit_code == 2
