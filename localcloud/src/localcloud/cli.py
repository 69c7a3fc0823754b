"""The commands of `python -m localcloud`: start, show and stop the stand-in cloud."""

import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from localcloud import cloud, services, trust
from localcloud.cloud import Cloud, Status
from localcloud.console import connect_aura
from localcloud.dashboards.page import render
from localcloud.dashboards.reading import read
from localcloud.errors import LocalCloudError
from localcloud.failures import explain, reporting_errors
from localcloud.interruption import interruptible
from localcloud.paths import Home
from localcloud.ports import Ports
from localcloud.progress import Progress
from localcloud.terminal import console

app = typer.Typer(
    help="The stand-in cloud: AWS, Aura and Pulumi's engine on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

HomeFolder = Annotated[
    Path | None,
    typer.Option(
        help="The stand-in's folder.", show_default="LOCALCLOUD_HOME, or .localcloud in the project"
    ),
]


@app.command()
def up() -> None:
    """Start the stand-in cloud, or whatever part of it doesn't run.

    LOCALCLOUD_AWS_PORT, LOCALCLOUD_SERVICE_PORTS (FIRST-LAST), LOCALCLOUD_BOLT_PORT and
    LOCALCLOUD_CONSOLE_PORT set its ports, LOCALCLOUD_HOME and LOCALCLOUD_CACHE its folders.
    """
    _show(cloud.up(Home.default(), Ports.from_environment(), Progress()))


@app.command()
def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show each part, its log and its address; exit status 1 unless all of it runs."""
    found = cloud.status(Home.default())
    if as_json:
        described = found.cloud.model_dump(mode="json") if found.cloud else {}
        parts = [part.model_dump(mode="json") for part in found.parts]
        typer.echo(json.dumps(described | {"complete": found.complete, "parts": parts}, indent=2))
    elif found.cloud is None and not found.begun:
        typer.echo("The stand-in cloud doesn't run. Start it with: make demo", err=True)
    else:
        _show_parts(found)
        if found.cloud and found.complete:
            _show(found.cloud)
    if not found.complete:
        raise typer.Exit(1)


@app.command()
def env() -> None:
    """Print shell commands that point a shell's tools to the stand-in: eval "$(make -s env)"."""
    running = cloud.find_running(Home.default())
    home = Home(running.home)
    for name, value in (running.environment() | trust.prepare_shell(os.environ, home)).items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    typer.echo(f'export PATH={shlex.quote(str(home.engine_command.parent))}:"$PATH"')
    workspace = shlex.quote(str(home.workspace))
    typer.echo(f'pulumi() {{ command pulumi --cwd {workspace} "$@"; }}')


@app.command()
def down() -> None:
    """Stop the stand-in cloud and remove everything it made, without destroying stacks first."""
    cloud.down(Home.default(), Progress())


@app.command()
def pause_database(*, home: HomeFolder = None) -> None:
    """Stop the emulated Aura, as a pause or an outage does; resume-database starts it again."""
    cloud.pause_database(_home(home), Progress())


@app.command()
def resume_database(*, home: HomeFolder = None) -> None:
    """Start the emulated Aura again, with its data and its settings."""
    cloud.resume_database(_home(home), Progress())


@app.command()
def detour_database(*, home: HomeFolder = None) -> None:
    """Start the emulated Aura at another address, and print both; resume-database undoes it.

    A proxy can listen at the address that it left.
    """
    typer.echo(cloud.detour_database(_home(home), Progress()).model_dump_json())


@app.command()
def connect_database(*, home: HomeFolder = None) -> None:
    """Apply single sign-on settings, `auraSso` as JSON on standard input, in Aura's console."""
    try:
        aura_sso = json.load(sys.stdin)
    except json.JSONDecodeError as error:
        raise LocalCloudError(f"Standard input isn't JSON: {error}") from None
    connect_aura(cloud.find_running(_home(home)), aura_sso)


@app.command()
def dashboard(
    name: Annotated[str, typer.Argument(help="The dashboard's name in CloudWatch.")],
    *,
    output: Annotated[Path, typer.Option(help="The page to write.")] = Path("dashboard.html"),
    home: HomeFolder = None,
) -> None:
    """Write a dashboard of the stand-in's CloudWatch to a page, with its current data."""
    client = cloud.find_running(_home(home)).client("cloudwatch")
    page = render(read(client, name, time.time()))
    output.write_text(page, encoding="utf-8")
    typer.echo(str(output))


def _home(folder: Path | None) -> Home:
    return Home.default() if folder is None else Home(folder.absolute())


def _show_parts(found: Status) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for part in found.parts:
        table.add_row(services.TITLES[part.name], part.state, str(part.log))
    console(soft_wrap=True).print(table)
    for line in found.missing:
        typer.echo(line, err=True)


def _show(running: Cloud) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("AWS endpoint", running.aws_endpoint)
    table.add_row("Aura, Bolt", running.bolt_uri)
    table.add_row("Aura, console", running.console_url)
    table.add_row("Docker", running.docker_host)
    table.add_row("Pulumi's providers", running.debug_providers)
    table.add_row("State and logs", str(running.home))
    console().print(table)


def main() -> None:
    """Run the command line; a failure prints one message and ends with exit status 1."""
    with interruptible(), reporting_errors(1, explain):
        app()
