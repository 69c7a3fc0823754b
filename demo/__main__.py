"""Deploy on the stand-in cloud, load a graph and query it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Annotated, Any

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
from components.hosting.definitions import DEFINITIONS
from demo import scenario
from demo.hosts import (
    LOCAL_DOMAIN,
    Choice,
    choose,
    describe_changes,
    needs_domain,
    with_domain,
)
from demo.scenario import Step
from demo.stand_in import find_certificate, free_port, read_credentials, target
from localcloud import cloud
from localcloud.cloud import Cloud
from localcloud.console import connect_aura
from localcloud.errors import LocalCloudError
from localcloud.paths import Home
from localcloud.ports import Ports
from localcloud.progress import Progress
from localcloud.terminal import console, styled
from localcloud.turns import turn
from localcloud.workspace import STACK, read_config, read_repository_config, write_config
from neo4j_mcp_client import Neo4jMcpError

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.command()
def run(
    host: Annotated[
        str, typer.Option(help=f"The host, {' or '.join(DEFINITIONS)}; by default, the one it has.")
    ] = "",
    edge: Annotated[
        str, typer.Option(help="1 adds the edge and 0 removes it; by default, it stays as it is.")
    ] = "",
) -> None:
    """Start the stand-in cloud, deploy the stack, load a graph and query it."""
    choice = Choice.parse(host, edge)
    progress, home, ports = Progress(), Home.default(), Ports.from_environment()
    with turn(home, progress.note):
        _run(home, ports, choice, progress)


def _run(home: Home, ports: Ports, choice: Choice, progress: Progress) -> None:
    running = cloud.up(home, ports, progress)
    with progress.step(f"Deploying the stack {STACK}", expect="about half a minute"):
        deployment = Deployment(target(running), create=True)
        changes = _configure(running, choice)
        # A new stack changes nothing.
        for line in changes if deployment.state().get("resources") else ():
            progress.note(line)
        deployment.take_over(progress.note)
        deployed = roll_out(deployment, deployment.aws_clients(), progress.note)
    outputs = deployed.outputs
    with progress.step("Typing auraSso into the Aura console"):
        connect_aura(running, outputs["auraSso"])
    operations = ", ".join(f"{count} {name}" for name, count in deployed.changes.counts.items())
    steps = [Step(action=f"The stack {STACK} is deployed", result=operations, passed=True)]
    try:
        with progress.step("Calling the server"):
            asyncio.run(_call_server(running, outputs, steps))
    finally:
        print_steps(steps)
    if not all(step.passed for step in steps):
        raise typer.Exit(1)
    _print_next_steps(outputs)


def _configure(running: Cloud, choice: Choice) -> tuple[str, ...]:
    """Set the chosen host and edge, and return a line for each change."""
    workspace = Home(running.home).workspace
    before = read_config(workspace)
    chosen = choose(
        before, choice, repository=read_repository_config(workspace), database=running.bolt_uri
    )
    if needs_domain(chosen):
        chosen = with_domain(
            chosen, certificate=find_certificate(running, LOCAL_DOMAIN), port=free_port(running)
        )
    write_config(workspace, chosen)
    return describe_changes(before, chosen)


@app.command()
def outputs() -> None:
    """Print the stack's outputs as JSON, without changing anything."""
    running = cloud.find_running(Home.default())
    try:
        deployment = Deployment(target(running), reads_only=True)
    except NoStackError:
        raise LocalCloudError(f"The stack {STACK} isn't deployed. Run: make demo") from None
    typer.echo(json.dumps(deployment.outputs(), indent=2))


@app.command()
def down() -> None:
    """Destroy the stack with the engine, then stop the stand-in cloud."""
    progress, home = Progress(), Home.default()
    with turn(home, progress.note):
        failure = _destroy(home, progress)
        cloud.down(home, progress)
    if failure:
        raise failure


def _destroy(home: Home, progress: Progress) -> Exception | None:
    """Destroy the stack; return a failure, since stopping the stand-in removes the rest anyway."""
    found = cloud.status(home)
    if not (found.cloud and found.complete):
        for line in found.missing if found.begun else ():
            progress.note(f"{line}: the stack isn't destroyed first, but removed with the stand-in")
        return None
    try:
        with progress.step(f"Destroying the stack {STACK}", expect="about half a minute"):
            deployment = Deployment(target(found.cloud))
            deployment.take_over(progress.note)
            wait_for_service(deployment, deployment.aws_clients())
            deployment.destroy(progress.note)
    except NoStackError:
        pass
    except InterruptedDeploymentError:
        raise
    except LocalCloudError as error:
        progress.note(f"{error}\nThe stack isn't destroyed first, but removed with the stand-in.")
    except (DeploymentError, BotoCoreError, ClientError) as error:
        return error
    return None


async def _call_server(running: Cloud, outputs: Mapping[str, Any], done: list[Step]) -> None:
    """Make the demo's calls, and add each to `done`, so that a failure doesn't hide the others."""
    clients = outputs["clients"]
    steps = scenario.run(
        read_credentials(running, clients["reader"]["secretArn"]),
        read_credentials(running, clients["writer"]["secretArn"]),
        outputs["auraSso"],
        Home(running.home).certificate_bundle,
        outputs.get("edgeUrl"),
    )
    async with aclosing(steps):
        async for step in steps:
            done.append(step)  # noqa: PERF401 - a comprehension would lose them if a call fails


def print_steps(steps: Sequence[Step]) -> None:
    """Print the demo's table."""
    table = Table(title="Demo", title_justify="left")
    table.add_column("Step")
    table.add_column("Result", overflow="fold")
    table.add_column("")
    for step in steps:
        mark = styled("✓", "green") if step.passed else styled("✗", "red")
        table.add_row(step.action, step.result, mark)
    console().print(table)


def _print_next_steps(outputs: Mapping[str, Any]) -> None:
    mcp_url, edge_url = outputs["mcpUrl"], outputs.get("edgeUrl")
    if edge_url == mcp_url:
        addresses = f"{mcp_url}, also for clients that discover"
    elif edge_url:
        addresses = f"{mcp_url}, and for clients that discover at {edge_url}"
    else:
        addresses = mcp_url
    typer.echo(
        f"The server answers at {addresses}. Next:\n"
        "  make outputs             the stack's outputs, as JSON\n"
        '  eval "$(make -s env)"    curl, boto3, pulumi and docker of this shell use the stand-in\n'
        "  make down                destroys the stack and stops everything"
    )


def main() -> None:
    """Run the command line, and report a failure in one message and by exit status 1."""
    explanations = (automation.failures.explain, localcloud.failures.explain, _explain)
    with graceful_shutdown(), localcloud.failures.reporting_errors(1, *explanations):
        app()


def _explain(error: BaseException) -> str | None:
    return str(error) if isinstance(error, Neo4jMcpError) else None


if __name__ == "__main__":
    main()
