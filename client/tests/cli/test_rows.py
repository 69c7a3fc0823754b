import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from neo4j_mcp_client.cli.rows import Format, as_table, as_text, cell, columns_of, printable

VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
ROWS = st.lists(st.dictionaries(st.text(min_size=1), VALUES, min_size=1), min_size=1)


def test_columns_come_in_the_order_of_the_rows() -> None:
    assert columns_of([{"b": 1, "a": 2}, {"c": 3, "a": 4}]) == ["b", "a", "c"]


@given(ROWS)
def test_json_and_json_lines_give_the_rows_back(rows: list[dict[str, Any]]) -> None:
    assert json.loads(as_text(rows, Format.JSON, io.StringIO())) == rows
    lines = as_text(rows, Format.JSONL, io.StringIO()).split("\n")
    assert [json.loads(line) for line in lines] == rows


@given(ROWS)
def test_csv_round_trips_every_cell(rows: list[dict[str, Any]]) -> None:
    read = list(csv.DictReader(io.StringIO(as_text(rows, Format.CSV, io.StringIO()), newline="")))
    assert read == [{name: cell(row.get(name)) for name in columns_of(rows)} for row in rows]


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, ""), ("text", "text"), (True, "true"), (1.5, "1.5"), ({"a": ["é"]}, '{"a": ["é"]}')],
)
def test_a_cell(value: object, written: str) -> None:
    assert cell(value) == written


@given(st.text())
def test_a_terminal_gets_nothing_that_it_would_obey(text: str) -> None:
    assert all(each.isprintable() or each in "\n\t" for each in printable(text))


def test_a_table_shows_the_text_of_the_database_as_it_is() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(as_table([{"name": "[bold]x[/bold]\x1b[2J", "n": 1}]))
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "[bold]x[/bold]\\x1b[2J" in shown
    assert "\x1b" not in shown
