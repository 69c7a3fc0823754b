"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from automation.target import WORKSPACE_VARIABLE

Stack = Annotated[str, typer.Option(help="The stack's name.", show_default=False)]
Workspace = Annotated[
    Path | None,
    typer.Option(
        help="The folder with Pulumi.yaml and the stack's settings files.",
        envvar=WORKSPACE_VARIABLE,
        exists=True,
        file_okay=False,
        show_default="this project",
    ),
]
Reports = Annotated[
    Path, typer.Option(help="The folder for reports, which has a folder for each stack.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
