#!/usr/bin/env python3
"""Fills the tables of the documents from what they are about.

`python docs/tables.py` rewrites the tables; `--check` only compares.
"""

import inspect
import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from neo4j_mcp_client import Neo4jMcpError, errors
from neo4j_mcp_client.cli.exit_codes import MEANINGS, ExitCode
from neo4j_mcp_client.doctor.faults import FAULTS, Fault

REPOSITORY = Path(__file__).resolve().parent.parent
# Run as a script, it finds the repository's own packages nowhere else.
sys.path.insert(0, str(REPOSITORY))

_KINDS = {str: "string", bool: "boolean", int: "integer", dict: "object"}

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


def configuration_table(
    config: Mapping[str, Mapping[str, Any]], *, required: Collection[str]
) -> str:
    """Write the table of configuration keys.

    Args:
        config: the keys as Pulumi.yaml declares them: default and description.
        required: the keys that every stack has to set.

    Returns:
        The table, as GitHub's Markdown.
    """
    rows = [
        "| Key | Type | Default | What it is |",
        "|---|---|---|---|",
        *(
            f"| `{key}` | {_KINDS[type(declared['default'])]} "
            f"| {'**required**' if key in required else _default(declared['default'])} "
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


def values_table(records: Iterable[Mapping[str, Any]]) -> str:
    """Write the table of Cypher's types as the server answers them.

    Args:
        records: what `client/record.py` recorded.

    Returns:
        The table, as GitHub's Markdown.
    """
    rows = [
        "| Cypher | For example | Answer | Mind |",
        "|---|---|---|---|",
        *(
            f"| {_cell(record['type'])} | {_cell(_code(record['value']))} |"
            f" {_cell(_answer(record))} | {_cell(record['remark'])} |"
            for record in records
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


def _default(default: object) -> str:
    # Pulumi demands a value for every key without a default, so "none" is an empty default.
    if default in ("", {}):
        return "not set"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _answer(record: Mapping[str, Any]) -> str:
    if "failure" in record:
        return _code(record["failure"])
    warning = ", with a warning" if record["warns"] else ""
    return _code(json.dumps(record["answer"], ensure_ascii=False)) + warning


def _code(text: str) -> str:
    return f"`{text}`"


def _cell(text: str) -> str:
    # An angle bracket would begin an HTML tag, but not in code; a bar would end the cell.
    parts = text.split("`")
    parts[::2] = [prose.replace("<", "&lt;") for prose in parts[::2]]
    return "`".join(parts).replace("|", r"\|")


def _summary(kind: type[Neo4jMcpError]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")


def _configuration() -> str:
    from components.settings import StackSettings  # noqa: PLC0415 - as above

    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    fields = StackSettings.model_fields.values()
    required = {field.alias for field in fields if field.alias and field.is_required()}
    return configuration_table(project["config"], required=required)


def _values() -> str:
    return values_table(json.loads((REPOSITORY / "docs/values.json").read_text(encoding="utf-8")))


def _checks() -> str:
    # Only here, because it imports the whole program.
    from automation.checks import CHECKS  # noqa: PLC0415

    return checks_table(sorted(CHECKS.values(), key=lambda check: check.id))


def _drills() -> str:
    from automation.drills import DRILLS  # noqa: PLC0415 - as above

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
    Table(
        document="docs/clients.md",
        name="errors",
        source="client/src/neo4j_mcp_client/errors.py",
        content=lambda: error_table(client_errors()),
    ),
    Table(
        document="docs/clients.md",
        name="exit-codes",
        source="client/src/neo4j_mcp_client/cli/exit_codes.py",
        content=lambda: exit_code_table(MEANINGS),
    ),
    Table(
        document="docs/clients.md",
        name="values",
        source="docs/values.json, which `make record` writes",
        content=_values,
    ),
    Table(
        document="docs/doctor.md",
        name="faults",
        source="client/src/neo4j_mcp_client/doctor/faults.py",
        content=lambda: fault_table(FAULTS.values()),
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
