"""`python -m demo`: the deployment on the stand-in cloud, from nothing to answered questions."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import boto3
import httpx2
import typer
from rich.console import Console
from rich.table import Table

from automation.deployment import Deployment, DeploymentError, Target
from demo import scenario
from demo.calls import Credentials, ToolError
from demo.scenario import Line
from localcloud import cloud
from localcloud.cloud import Cloud, Ports
from localcloud.errors import LocalCloudError
from localcloud.paths import Home
from localcloud.progress import Progress
from localcloud.workspace import STACK

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
)

_CONSOLE_TIMEOUT = 30.0


@app.command()
def run() -> None:
    """Bring everything up, deploy, and go the whole way once."""
    progress = Progress()
    running = cloud.up(Home.default(), Ports.from_environment(), progress)
    with progress.step(f"Deploying the stack {STACK}", expect="about half a minute"):
        deployed = Deployment(_target(running)).up(progress.note)
    outputs = deployed.outputs
    with progress.step("Typing auraSso into the Aura console"):
        _connect_aura(running, outputs["auraSso"])
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
        json.dumps(Deployment(_target(cloud.find_running(Home.default()))).outputs(), indent=2)
    )


@app.command()
def down() -> None:
    """Destroy the stack through the engine, then stop the stand-in cloud."""
    progress = Progress()
    home = Home.default()
    running = Cloud.find(home)
    if running is not None:
        with progress.step(f"Destroying the stack {STACK}", expect="about half a minute"):
            Deployment(_target(running)).destroy(progress.note)
    cloud.down(home, progress)


def _target(running: Cloud) -> Target:
    home = Home(running.home)
    return Target(
        stack=STACK,
        workspace=home.workspace,
        engine=home.engine,
        environment=running.environment(),
    )


def _connect_aura(running: Cloud, aura_sso: dict[str, Any]) -> None:
    credentials = json.loads(running.console_credentials.read_text(encoding="utf-8"))
    response = httpx2.put(
        f"{running.console_url}/sso",
        json=aura_sso,
        auth=(credentials["username"], credentials["password"]),
        timeout=_CONSOLE_TIMEOUT,
    )
    if response.is_error:
        raise LocalCloudError(f"The Aura console refuses auraSso: {response.text}")


def _credentials(running: Cloud, secret_arn: str) -> Credentials:
    """Read a caller's secret, as the caller itself does."""
    environment = running.environment()
    secrets = boto3.client(
        "secretsmanager",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    secret = json.loads(secrets.get_secret_value(SecretId=secret_arn)["SecretString"])
    return Credentials(
        client_id=secret["clientId"],
        client_secret=secret["clientSecret"],
        token_url=secret["tokenUrl"],
        scopes=tuple(secret["scopes"]),
        mcp_url=secret["mcpUrl"],
    )


async def _go_the_way(running: Cloud, outputs: Mapping[str, Any], lines: list[Line]) -> None:
    tls = ssl.create_default_context(cafile=str(Home(running.home).certificate_bundle))
    clients = outputs["clients"]
    way = scenario.run(
        _credentials(running, clients["reader"]["secretArn"]),
        _credentials(running, clients["writer"]["secretArn"]),
        outputs["auraSso"],
        tls,
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
    except (LocalCloudError, DeploymentError, ToolError, httpx2.HTTPError) as error:
        Console(stderr=True).print(f"[red]error:[/red] {error}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
