import pytest

from automation.checks import CHECKS
from automation.drills import DRILLS
from docs.tables import (
    TABLES,
    MarkerError,
    Table,
    checks_table,
    client_errors,
    configuration_table,
    drills_table,
    error_table,
    values_table,
    with_table,
)
from neo4j_mcp_client import InvalidClientError


def test_a_row_says_what_a_key_is() -> None:
    table = configuration_table(
        {
            "uri": {"default": "", "description": "Ends in <host>, as `<x>`, or a|b."},
            "size": {"default": 0, "description": "How many."},
            "on": {"default": False, "description": "Whether."},
            "name": {"default": "x", "description": "Which."},
            "prefix": {"default": "", "description": "What first."},
            "tags": {"default": {}, "description": "More."},
            "check": {"default": {"path": "/"}, "description": "How."},
        },
        required={"uri"},
    )

    assert table.splitlines()[2:] == [
        r"| `uri` | string | **required** | Ends in &lt;host>, as `<x>`, or a\|b. |",
        "| `size` | integer | `0` | How many. |",
        "| `on` | boolean | `false` | Whether. |",
        "| `name` | string | `x` | Which. |",
        "| `prefix` | string | not set | What first. |",
        "| `tags` | object | not set | More. |",
        '| `check` | object | `{"path": "/"}` | How. |',
    ]


def test_a_table_takes_the_place_of_the_one_before() -> None:
    document = "a\n<!-- table: configuration -->\nold\n<!-- end: configuration -->\nb\n"

    once = with_table(document, "configuration", "new")

    assert once == "a\n<!-- table: configuration -->\nnew\n<!-- end: configuration -->\nb\n"
    assert with_table(once, "configuration", "new") == once


@pytest.mark.parametrize(
    "document",
    [
        "nothing",
        "<!-- table: configuration -->",
        "<!-- end: configuration --><!-- table: configuration -->",
        "<!-- table: configuration --><!-- end: configuration -->" * 2,
    ],
)
def test_a_document_without_the_markers_is_refused(document: str) -> None:
    with pytest.raises(MarkerError, match="once each"):
        with_table(document, "configuration", "table")


def test_a_drill_is_a_row_with_what_it_proves_and_touches() -> None:
    (row,) = drills_table([DRILLS["container-killed"]]).splitlines()[2:]
    name, sentence, touches = row.strip("| ").split(" | ")
    assert name == "`container-killed`"
    assert sentence == DRILLS["container-killed"].sentence
    assert touches == DRILLS["container-killed"].touches


def test_a_check_is_a_row() -> None:
    (row,) = checks_table([CHECKS["P1-scan"]]).splitlines()[2:]

    assert row == "| `P1-scan` | The repository scans images when they are pushed |"


def test_a_row_says_what_an_exception_means() -> None:
    row = error_table([InvalidClientError]).splitlines()[2]
    assert row.split(" | ")[:3] == [
        "| `InvalidClientError`",
        "token endpoint",
        "The client id or the client secret is wrong.",
    ]
    assert InvalidClientError.remedy in row
    assert {kind.__name__ for kind in client_errors()} >= {"TlsError", "CypherError"}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_document_holds_the_table(table: Table) -> None:
    document = table.path.read_text(encoding="utf-8")

    assert with_table(document, table.name, table.content()) == document, (
        "run: .venv/bin/python docs/tables.py"
    )


def test_a_row_says_what_becomes_of_a_value() -> None:
    record = {"type": "Date", "value": "date()", "remark": "Lost"}
    table = values_table(
        [
            record | {"answer": {}, "warns": True},
            record | {"answer": 1, "warns": False},
            record | {"failure": "ToolError"},
        ]
    )
    assert table.splitlines()[2:] == [
        "| Date | `date()` | `{}`, with a warning | Lost |",
        "| Date | `date()` | `1` | Lost |",
        "| Date | `date()` | `ToolError` | Lost |",
    ]
