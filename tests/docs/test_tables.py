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
    policy_table,
    replace_table,
    values_table,
)
from neo4j_mcp_client import InvalidClientError


def test_configuration_rows_and_notes() -> None:
    table = configuration_table(
        {
            "uri": {"default": "", "description": "Ends in <host>, as `<x>`, or a|b. No <user>|."},
            "size": {"default": 0, "description": "How many."},
            "on": {"default": False, "description": "Whether."},
            "name": {"default": "x", "description": "Which."},
            "prefix": {"default": "", "description": "What first."},
            "tags": {"default": {}, "description": "More."},
            "check": {"default": {"path": "/"}, "description": "How."},
            "memory": {"default": "", "description": "How much."},
        },
        required={"uri"},
        kinds={"memory": "integer"},
    )

    assert table.splitlines()[2:] == [
        r"| `uri` | string | **required** | Ends in &lt;host>, as `<x>`, or a\|b |",
        "| `size` | integer | `0` | How many |",
        "| `on` | boolean | `false` | Whether |",
        "| `name` | string | `x` | Which |",
        "| `prefix` | string | not set | What first |",
        "| `tags` | object | not set | More |",
        "| `check` | object | see below | How |",
        "| `memory` | integer | [by host](docs/hosting.md#settings) | How much |",
        "",
        "- **`uri`**: No &lt;user>|.",
        '- **`check`**: The default is `{"path": "/"}`.',
    ]


def test_a_new_table_replaces_the_old_one() -> None:
    document = "a\n<!-- table: configuration -->\nold\n<!-- end: configuration -->\nb\n"

    once = replace_table(document, "configuration", "new")

    assert once == "a\n<!-- table: configuration -->\nnew\n<!-- end: configuration -->\nb\n"
    assert replace_table(once, "configuration", "new") == once


@pytest.mark.parametrize(
    "document",
    [
        "nothing",
        "<!-- table: configuration -->",
        "<!-- end: configuration --><!-- table: configuration -->",
        "<!-- table: configuration --><!-- end: configuration -->" * 2,
    ],
)
def test_a_document_without_its_markers_is_refused(document: str) -> None:
    with pytest.raises(MarkerError, match="once each"):
        replace_table(document, "configuration", "table")


def test_drill_rows() -> None:
    (row,) = drills_table([DRILLS["container-killed"]]).splitlines()[2:]
    name, sentence, touches = row.strip("| ").split(" | ")
    assert name == "`container-killed`"
    assert sentence == DRILLS["container-killed"].sentence
    assert touches == DRILLS["container-killed"].touches


def test_check_rows() -> None:
    (row,) = checks_table([CHECKS["P1-scan"]]).splitlines()[2:]

    assert row == "| `P1-scan` | The repository scans images on push |"


def test_rows_of_the_policy() -> None:
    def rule() -> None:
        """Require a thing.

        Source: a page.
        """

    assert policy_table({"thing": rule}).splitlines()[2:] == ["| `thing` | Require a thing |"]


def test_exception_rows_and_remedies() -> None:
    _, _, row, *_, note = error_table([InvalidClientError]).splitlines()
    assert row.split(" | ") == [
        "| `InvalidClientError`",
        "token endpoint",
        "The client id or the client secret is wrong. |",
    ]
    assert note == f"- **`InvalidClientError`**: {InvalidClientError.remedy}"
    assert {kind.__name__ for kind in client_errors()} >= {"TlsError", "CypherError"}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_document_has_the_current_table(table: Table) -> None:
    document = table.path.read_text(encoding="utf-8")

    assert replace_table(document, table.name, table.content()) == document, (
        "run: .venv/bin/python docs/tables.py"
    )


def test_value_rows() -> None:
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
