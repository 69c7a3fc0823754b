"""`python -m demo`: the deployment on the stand-in cloud, from nothing to answered questions."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from typing import Any, NoReturn

import httpx2
import typer
from rich.console import Console
from rich.table import Table

from automation.deployment import Deployment, DeploymentError
from automation.rollout import roll_out, settle
from demo import scenario
from demo.scenario import Line
from demo.stand_in import aws_clients, read_credentials, target
from localcloud import cloud
from localcloud.cloud import Cloud, Ports
from localcloud.console import connect_aura
from localcloud.errors import LocalCloudError
from localcloud.paths import Home
from localcloud.progress import Progress
from localcloud.workspace import STACK
from neo4j_mcp_client import Neo4jMcpError

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
)


@app.command()
def run() -> None:
    """Bring everything up, deploy, and go the whole way once."""
    progress = Progress()
    running = cloud.up(Home.default(), Ports.from_environment(), progress)
    with progress.step(f"Deploying the stack {STACK}", expect="about half a minute"):
        deployed = roll_out(Deployment(target(running)), aws_clients(running), progress.note)
    outputs = deployed.outputs
    with progress.step("Typing auraSso into the Aura console"):
        connect_aura(running, outputs["auraSso"])
    operations = ", ".join(f"{count} {name}" for name, count in deployed.changes.counts.items())
    lines = [Line(what=f"The stack {STACK} is deployed", shown=operations, true=True)]
    try:
        with progress.step("Calling the server"):
            asyncio.run(_go_the_way(running, outputs, lines))
    finally:
        _show(lines)
    if not all(line.true for line in lines):
        raise typer.Exit(1)
    _say_what_next(outputs["mcpUrl"])


@app.command()
def outputs() -> None:
    """Print the stack's outputs as JSON and nothing else."""
    typer.echo(
        json.dumps(Deployment(target(cloud.find_running(Home.default()))).outputs(), indent=2)
    )


@app.command()
def down() -> None:
    """Destroy the stack through the engine, then stop the stand-in cloud."""
    progress = Progress()
    home = Home.default()
    running = Cloud.find(home)
    if running is not None:
        with progress.step(f"Destroying the stack {STACK}", expect="about half a minute"):
            deployment = Deployment(target(running))
            settle(deployment, aws_clients(running))
            deployment.destroy(progress.note)
    cloud.down(home, progress)


async def _go_the_way(running: Cloud, outputs: Mapping[str, Any], lines: list[Line]) -> None:
    clients = outputs["clients"]
    way = scenario.run(
        read_credentials(running, clients["reader"]["secretArn"]),
        read_credentials(running, clients["writer"]["secretArn"]),
        outputs["auraSso"],
        Home(running.home).certificate_bundle,
    )
    async with aclosing(way):
        # One by one, so that what is known is shown even if the next call fails.
        async for line in way:
            lines.append(line)  # noqa: PERF401


def _show(lines: list[Line]) -> None:
    table = Table(title="The whole way", title_justify="left")
    table.add_column("What")
    table.add_column("What came back", overflow="fold")
    table.add_column("")
    for line in lines:
        table.add_row(line.what, line.shown, "[green]✓[/green]" if line.true else "[red]✗[/red]")
    Console(highlight=False).print(table)


def _say_what_next(mcp_url: str) -> None:
    typer.echo(
        f"The server answers at {mcp_url}. Next:\n"
        "  make outputs             the stack's outputs, as JSON\n"
        '  eval "$(make -s env)"    curl, boto3, pulumi and docker of this shell use the stand-in\n'
        "  make down                destroys the stack and stops everything"
    )


def main() -> None:
    """Run the command line; a known failure is one message and exit status 1."""
    try:
        app()
    except (LocalCloudError, DeploymentError, Neo4jMcpError, httpx2.HTTPError) as error:
        _fail(str(error))
    except ExceptionGroup as group:
        # The MCP SDK's sessions wrap what goes wrong in them.
        known, unknown = group.split((Neo4jMcpError, httpx2.HTTPError))
        if unknown or not known:
            raise
        _fail("\n".join(str(error) for error in _leaves(known)))


def _leaves(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _fail(message: str) -> NoReturn:
    Console(stderr=True).print("[red]error:[/red]", message, highlight=False, soft_wrap=True)
    raise SystemExit(1) from None


if __name__ == "__main__":
    main()
