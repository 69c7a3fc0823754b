#!/usr/bin/env python3
"""Fills the tables of the documents from what they are about.

`python docs/tables.py` rewrites the tables; `--check` only compares.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
# Run as a script, it finds the repository's own packages nowhere else.
sys.path.insert(0, str(REPOSITORY))

if TYPE_CHECKING:
    from automation.checks import Check
    from automation.drills import Drill


class MarkerError(Exception):
    """The document doesn't hold a table's two markers, once each and in order."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a document.

    Attributes:
        document: the document, relative to the repository.
        name: the table's name, as its markers carry it.
        source: where its content comes from.
        content: writes the table.
    """

    document: str
    name: str
    source: str
    content: Callable[[], str]

    @property
    def path(self) -> Path:
        """The document."""
        return REPOSITORY / self.document


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


def checks_table(checks: Iterable["Check"]) -> str:
    """Write the table of checks.

    Args:
        checks: the checks.

    Returns:
        The table, as GitHub's Markdown.
    """
    rows = [f"| `{check.id}` | {_cell(check.sentence)} |" for check in checks]
    return "\n".join(["| Check | What it proves |", "|---|---|", *rows])


def drills_table(drills: Iterable["Drill"]) -> str:
    """Write the table of drills.

    Args:
        drills: the drills.

    Returns:
        The table, as GitHub's Markdown.
    """
    rows = [
        f"| `{drill.name}` | {_cell(drill.sentence)} | {_cell(drill.touches)} |" for drill in drills
    ]
    return "\n".join(["| Drill | What it proves | What it touches |", "|---|---|---|", *rows])


def with_table(document: str, name: str, table: str) -> str:
    """Put a table between the markers of a document.

    Args:
        document: the document.
        name: the table's name.
        table: the table.

    Returns:
        The document with the table in place of what stood there.

    Raises:
        MarkerError: the markers are not there, once each and in order.
    """
    first, last = f"<!-- table: {name} -->", f"<!-- end: {name} -->"
    before, begin, rest = document.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end or first in rest or last in after:
        raise MarkerError(f"needs {first} and, below it, {last}, once each")
    return f"{before}{first}\n{table}\n{last}{after}"


def _default(declared: Mapping[str, Any]) -> str:
    if "default" not in declared:
        return "**required**"
    default = declared["default"]
    # Pulumi demands a value for every key without a default, so "none" is an empty default.
    if default in ("", {}):
        return "not set"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _cell(text: str) -> str:
    # An angle bracket would begin an HTML tag, and a bar would end the cell.
    return text.replace("<", "&lt;").replace("|", r"\|")


def _configuration() -> str:
    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    return configuration_table(project["config"])


def _checks() -> str:
    # Only here, because it imports the whole program.
    from automation.checks import CHECKS  # noqa: PLC0415

    return checks_table(sorted(CHECKS.values(), key=lambda check: check.id))


def _drills() -> str:
    from automation.drills import DRILLS  # noqa: PLC0415 - likewise

    return drills_table(DRILLS.values())


TABLES = (
    Table(
        document="README.md",
        name="configuration",
        source="Pulumi.yaml",
        content=_configuration,
    ),
    Table(
        document="docs/checks.md",
        name="checks",
        source="automation/checks/",
        content=_checks,
    ),
    Table(
        document="docs/drills.md",
        name="drills",
        source="automation/drills/",
        content=_drills,
    ),
)
"""Every table that is written from something else."""


def main(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Compare, and exit with status 1 if they differ.")
    ] = False,
) -> None:
    """Rewrite the tables of the documents from what they are about."""
    differs = False
    for table in TABLES:
        found = table.path.read_text(encoding="utf-8")
        try:
            wanted = with_table(found, table.name, table.content())
        except MarkerError as error:
            typer.echo(f"{table.document} {error}.", err=True)
            raise typer.Exit(1) from None
        if found == wanted:
            continue
        differs = True
        if check:
            typer.echo(
                f"{table.document}'s table of {table.name} differs from {table.source}. "
                "Run: .venv/bin/python docs/tables.py",
                err=True,
            )
        else:
            table.path.write_text(wanted, encoding="utf-8")
    if check and differs:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
