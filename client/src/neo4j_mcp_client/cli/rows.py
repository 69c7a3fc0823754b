"""Formats rows as a table, JSON, CSV or JSON Lines."""

import csv
import enum
import io
import json
from collections.abc import Mapping, Sequence
from typing import IO, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from neo4j_mcp_client.cli.streams import can_encode

Row = Mapping[str, Any]


class Format(enum.StrEnum):
    """A format of rows."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    JSONL = "jsonl"


def columns_of(rows: Sequence[Row]) -> list[str]:
    """List the columns of rows.

    Returns:
        Every column once, in the order of its first row.
    """
    return list(dict.fromkeys(column for row in rows for column in row))


def json_text(document: Any, stream: IO[str], *, indent: int | None = None) -> str:  # noqa: ANN401 - any JSON
    """Write JSON in characters that a stream can encode.

    Args:
        indent: spaces for each level; defaults to all on one line.
    """
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    return text if can_encode(text, stream) else json.dumps(document, indent=indent)


def as_text(rows: Sequence[Row], form: Format, stream: IO[str]) -> str:
    """Format rows as JSON, CSV or JSON Lines, without a final line break."""
    if form is Format.CSV:
        return _as_csv(rows)
    if form is Format.JSONL:
        return "\n".join(json_text(row, stream) for row in rows)
    return json_text(list(rows), stream, indent=2)


def as_table(rows: Sequence[Row], columns: Sequence[str] | None = None) -> Table:
    """Format rows as a table.

    Args:
        columns: the columns; defaults to those of the rows.
    """
    names = columns_of(rows) if columns is None else columns
    table = Table()
    for name in names:
        table.add_column(Text(printable(name)), overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell(row.get(name)))) for name in names))
    return table


def cell(value: Any) -> str:  # noqa: ANN401 - a row holds any JSON
    """Format a value for a table or a CSV file: text as it is, null as "", the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def printable(text: str) -> str:
    r"""Escape control characters, which a terminal would interpret.

    Returns:
        The text with escapes such as ``\x1b``; line breaks and tabs are kept.
    """
    return "".join(
        character
        if character.isprintable() or character in "\n\t"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def print_rows(rows: Sequence[Row], form: Format, *, console: Console) -> None:
    """Write rows to a console."""
    if form is not Format.TABLE:
        if rows or form is Format.JSON:
            console.file.write(as_text(rows, form, console.file) + "\n")
        return
    if rows:
        console.print(as_table(rows))
    console.print("1 row" if len(rows) == 1 else f"{len(rows)} rows", style="dim")


def _as_csv(rows: Sequence[Row]) -> str:
    columns = columns_of(rows)
    lines = [columns, *([cell(row.get(column)) for column in columns] for row in rows)]
    # Python doesn't quote a lone carriage return, which readers take for the end of a line.
    all_quoted = any("\r" in each for line in lines for each in line)
    text = io.StringIO()
    writer = csv.writer(
        text, lineterminator="\n", quoting=csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    )
    writer.writerows(lines)
    return text.getvalue().removesuffix("\n")
