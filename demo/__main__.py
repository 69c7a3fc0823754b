"""`python -m demo`: the deployment on the stand-in cloud, from nothing to answered questions."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

import automation.failures
import localcloud.failures
from automation.deployment import (
    Deployment,
    DeploymentError,
    InterruptedDeploymentError,
    NoStackError,
)
from automation.interruption import graceful_shutdown
from automation.rollout import roll_out, wait_for_service
from demo import scenario
from demo.scenario import Line
from demo.stand_in import read_credentials, target
from localcloud import cloud
from localcloud.cloud import Cloud
from localcloud.console import connect_aura
from localcloud.errors import LocalCloudError
from localcloud.paths import Home
from localcloud.ports import Ports
from localcloud.progress import Progress
from localcloud.terminal import console, styled
from localcloud.turns import turn
from localcloud.workspace import STACK
from neo4j_mcp_client import Neo4jMcpError

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.command()
def run() -> None:
    """Bring everything up, deploy, and go the whole way once."""
    progress, home, ports = Progress(), Home.default(), Ports.from_environment()
    with turn(home, progress.note):
        _run(home, ports, progress)


def _run(home: Home, ports: Ports, progress: Progress) -> None:
    running = cloud.up(home, ports, progress)
    with progress.step(f"Deploying the stack {STACK}", expect="about half a minute"):
        deployment = Deployment(target(running))
        deployment.take_over(progress.note)
        deployed = roll_out(deployment, deployment.aws_clients(), progress.note)
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
    """Print the stack's outputs as JSON and nothing else; nothing is changed."""
    running = cloud.find_running(Home.default())
    try:
        deployment = Deployment(target(running), create=False)
    except NoStackError:
        raise LocalCloudError(f"The stack {STACK} isn't deployed. Run: make demo") from None
    typer.echo(json.dumps(deployment.outputs(), indent=2))


@app.command()
def down() -> None:
    """Destroy the stack through the engine, then stop the stand-in cloud."""
    progress, home = Progress(), Home.default()
    with turn(home, progress.note):
        failure = _destroy(home, progress)
        cloud.down(home, progress)
    if failure:
        raise failure


def _destroy(home: Home, progress: Progress) -> Exception | None:
    """Destroy the stack; what can't be destroyed goes with the stand-in, so a failure can wait."""
    found = cloud.status(home)
    if not (found.cloud and found.complete):
        for line in found.missing if found.begun else ():
            progress.note(f"{line}: the stack goes with the stand-in, and isn't destroyed first")
        return None
    try:
        with progress.step(f"Destroying the stack {STACK}", expect="about half a minute"):
            deployment = Deployment(target(found.cloud), create=False)
            deployment.take_over(progress.note)
            wait_for_service(deployment, deployment.aws_clients())
            deployment.destroy(progress.note)
    except NoStackError:
        pass
    except InterruptedDeploymentError:
        raise
    except LocalCloudError as error:
        progress.note(f"{error}\nThe stack goes with the stand-in, and isn't destroyed first.")
    except (DeploymentError, BotoCoreError, ClientError) as error:
        return error
    return None


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
        mark = styled("✓", "green") if line.true else styled("✗", "red")
        table.add_row(line.what, line.shown, mark)
    console().print(table)


def _say_what_next(mcp_url: str) -> None:
    typer.echo(
        f"The server answers at {mcp_url}. Next:\n"
        "  make outputs             the stack's outputs, as JSON\n"
        '  eval "$(make -s env)"    curl, boto3, pulumi and docker of this shell use the stand-in\n'
        "  make down                destroys the stack and stops everything"
    )


def main() -> None:
    """Run the command line; a failure is one message and exit status 1."""
    explanations = (automation.failures.explain, localcloud.failures.explain, _explain)
    with graceful_shutdown(), localcloud.failures.reporting_errors(1, *explanations):
        app()


def _explain(error: BaseException) -> str | None:
    return str(error) if isinstance(error, Neo4jMcpError) else None


if __name__ == "__main__":
    main()
