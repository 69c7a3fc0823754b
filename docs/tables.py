#!/usr/bin/env python3
"""Fills the configuration table of README.md from Pulumi.yaml.

`python docs/tables.py` rewrites the table; `--check` only compares.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

REPOSITORY = Path(__file__).resolve().parent.parent

_BEGIN = "<!-- table: configuration -->"
_END = "<!-- end: configuration -->"


class MarkerError(Exception):
    """The document doesn't hold the table's two markers, once each and in order."""


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


def with_table(document: str, table: str) -> str:
    """Put a table between the markers of a document.

    Args:
        document: the document.
        table: the table.

    Returns:
        The document with the table in place of what stood there.

    Raises:
        MarkerError: the markers are not there, once each and in order.
    """
    before, begin, rest = document.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end or _BEGIN in rest or _END in after:
        raise MarkerError(f"needs {_BEGIN} and, below it, {_END}, once each")
    return f"{before}{_BEGIN}\n{table}\n{_END}{after}"


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


def main(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Compare, and exit with status 1 if they differ.")
    ] = False,
) -> None:
    """Rewrite the configuration table of README.md from Pulumi.yaml."""
    readme = REPOSITORY / "README.md"
    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    found = readme.read_text(encoding="utf-8")
    try:
        wanted = with_table(found, configuration_table(project["config"]))
    except MarkerError as error:
        typer.echo(f"README.md {error}.", err=True)
        raise typer.Exit(1) from None
    if found == wanted:
        return
    if check:
        typer.echo(
            "README.md's configuration table differs from Pulumi.yaml. "
            "Run: .venv/bin/python docs/tables.py",
            err=True,
        )
        raise typer.Exit(1)
    readme.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
