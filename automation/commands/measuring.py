"""Measures how long the environments of a stack on Lambda take to start."""

import json
from typing import Annotated

import typer
from rich.table import Table

from automation.commands.options import AsJson, Stack, Workspace
from automation.deployment import Deployment
from automation.starts import measure_starts, require_function
from automation.target import checked_context, target
from automation.terminal import console


def measure(
    *,
    stack: Stack,
    workspace: Workspace = None,
    starts: Annotated[int, typer.Option(min=1, help="How many environments to start.")] = 5,
    calls: Annotated[int, typer.Option(min=1, help="How many calls to make in each.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Measure the first and the further calls in environments of a stack on Lambda.

    Callers are led to new environments for it, so they see cold starts meanwhile.
    """
    deployment = Deployment(target(stack, workspace), reads_only=True)
    context = checked_context(deployment, stack, longest_wait=0.0, interleavings=0)
    require_function(context)
    found = measure_starts(context, starts=starts, calls=calls).summary()
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = Table("call", "milliseconds", title=f"{starts} starts, {calls} calls after each")
    for name, milliseconds in found.items():
        table.add_row(name, f"{milliseconds:.1f}")
    console().print(table)
