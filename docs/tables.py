#!/usr/bin/env python3
"""Fills the documents' tables from where their facts are: Pulumi.yaml and the client.

`python docs/tables.py` rewrites the tables; `--check` only compares.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from neo4j_mcp_client import Neo4jMcpError, errors
from neo4j_mcp_client.cli.exit_codes import MEANINGS, ExitCode
from neo4j_mcp_client.doctor.faults import FAULTS, Fault

REPOSITORY = Path(__file__).resolve().parent.parent


class MarkerError(Exception):
    """The document doesn't hold the table's two markers, once each and in order."""


@dataclass(frozen=True)
class Table:
    """A table of a document.

    Attributes:
        name: its name in the markers.
        document: the document, from the repository's root.
        write: writes it.
    """

    name: str
    document: str
    write: Callable[[], str]


def configuration_table(config: Mapping[str, Mapping[str, Any]]) -> str:
    """Write the table of configuration keys.

    Args:
        config: the keys as Pulumi.yaml declares them: type, description and, where the key is not
            required, default.

    Returns:
        The table, as GitHub's Markdown.
    """
    rows = [
        "| Key | Type | Default | What it is |",
        "|---|---|---|---|",
        *(
            f"| `{key}` | {declared['type']} | {_default(declared)} "
            f"| {_cell(declared['description'])} |"
            for key, declared in config.items()
        ),
    ]
    return "\n".join(rows)


def error_table(kinds: list[type[Neo4jMcpError]]) -> str:
    """Write the table of the client's exceptions.

    Args:
        kinds: the exceptions.

    Returns:
        The table, as GitHub's Markdown.
    """
    rows = [
        "| Exception | Hop | What happened | What to do |",
        "|---|---|---|---|",
        *(
            f"| `{kind.__name__}` | {kind.hop} | {_cell(_summary(kind))}"
            f" | {_cell(kind.remedy or 'The message says.')} |"
            for kind in kinds
        ),
    ]
    return "\n".join(rows)


def exit_code_table(meanings: Mapping[ExitCode, str]) -> str:
    """Write the table of the command's exit statuses.

    Args:
        meanings: what each means.

    Returns:
        The table, as GitHub's Markdown.
    """
    rows = [
        "| Status | Meaning |",
        "|---|---|",
        *(f"| {int(code)} | {_cell(meaning)} |" for code, meaning in meanings.items()),
    ]
    return "\n".join(rows)


def fault_table(faults: Iterable[Fault]) -> str:
    """Write the table of the doctor's faults.

    Args:
        faults: the faults.

    Returns:
        The table, as GitHub's Markdown.
    """
    rows = [
        "| Fault | What it is | Where it is set | What mends it |",
        "|---|---|---|---|",
        *(
            f"| `{fault.name}` | {_cell(fault.what)} | {_cell(fault.where)}"
            f" | {_cell(fault.remedy)} |"
            for fault in faults
        ),
    ]
    return "\n".join(rows)


def client_errors() -> list[type[Neo4jMcpError]]:
    """Give the client's exceptions, in the order of their definition.

    Returns:
        All but the base.
    """
    return [
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, Neo4jMcpError) and kind is not Neo4jMcpError
    ]


def with_table(document: str, name: str, table: str) -> str:
    """Put a table between its markers in a document.

    Args:
        document: the document.
        name: the table's name.
        table: the table.

    Returns:
        The document with the table in place of what stood there.

    Raises:
        MarkerError: the markers are not there, once each and in order.
    """
    begin_marker, end_marker = f"<!-- table: {name} -->", f"<!-- end: {name} -->"
    before, begin, rest = document.partition(begin_marker)
    _, end, after = rest.partition(end_marker)
    if not begin or not end or begin_marker in rest or end_marker in after:
        raise MarkerError(f"needs {begin_marker} and, below it, {end_marker}, once each")
    return f"{before}{begin_marker}\n{table}\n{end_marker}{after}"


def _summary(kind: type[Neo4jMcpError]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")


def _configuration() -> str:
    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    return configuration_table(project["config"])


TABLES = [
    Table("configuration", "README.md", _configuration),
    Table("errors", "docs/clients.md", lambda: error_table(client_errors())),
    Table("exit-codes", "docs/clients.md", lambda: exit_code_table(MEANINGS)),
    Table("faults", "docs/doctor.md", lambda: fault_table(FAULTS.values())),
]
"""Every table that is written from somewhere else."""


def _default(declared: Mapping[str, Any]) -> str:
    if "default" not in declared:
        return "**required**"
    default = declared["default"]
    # Pulumi demands a value for every key without a default, so "none" is an empty default.
    if default in ("", {}):
        return "not set"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _cell(text: str) -> str:
    # An angle bracket would begin an HTML tag, but not in code; a bar would end the cell.
    parts = text.split("`")
    parts[::2] = [prose.replace("<", "&lt;") for prose in parts[::2]]
    return "`".join(parts).replace("|", r"\|")


def main(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Compare, and exit with status 1 if they differ.")
    ] = False,
) -> None:
    """Rewrite the documents' tables from where their facts are."""
    for table in TABLES:
        document = REPOSITORY / table.document
        found = document.read_text(encoding="utf-8")
        try:
            wanted = with_table(found, table.name, table.write())
        except MarkerError as error:
            typer.echo(f"{table.document} {error}.", err=True)
            raise typer.Exit(1) from None
        if found == wanted:
            continue
        if check:
            typer.echo(
                f"{table.document}'s table {table.name} differs from its source."
                " Run: .venv/bin/python docs/tables.py",
                err=True,
            )
            raise typer.Exit(1)
        document.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
