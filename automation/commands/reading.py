"""Reads who got tokens and secrets, and what the programs logged."""

import datetime as dt
import json
from typing import Annotated

import typer

from automation.audit.printing import print_audit
from automation.audit.sources import read_audit
from automation.blanking import Blanker
from automation.commands.exit_statuses import COMMAND_FAILED
from automation.commands.messages import messages
from automation.commands.options import AsJson, Stack, Workspace
from automation.commands.periods import Since, parse_period
from automation.deployment import Deployment
from automation.hosting.host import aws_of
from automation.hosting.hosts import HOSTS
from automation.rotation.clients import find_clients
from automation.rotation.stack import deployed_outputs
from automation.stack_logs import Writer, find_log, read_lines
from automation.target import resource_names, stack_settings, target
from automation.terminal import console, visible
from components.names import ResourceNames


def show_audit(
    *,
    stack: Stack,
    workspace: Workspace = None,
    since: Since = "24h",
    as_json: AsJson = False,
) -> None:
    """Show who got which tokens, and who read the clients' secrets.

    It reads the claims function's log and CloudTrail's event history. docs/audit.md shows how to
    find out who ran which query.
    """
    period = parse_period(since)
    deployment = Deployment(target(stack, workspace), reads_only=True)
    clients = find_clients(deployed_outputs(deployment), stack)
    now = dt.datetime.now(dt.UTC)
    found = read_audit(
        stack,
        clients,
        resource_names(deployment).claims_function,
        aws_of(deployment.aws_clients()),
        now - period,
        now,
    )
    if as_json:
        typer.echo(json.dumps(found.document(), indent=2))
    else:
        print_audit(found, console())
    if found.unread:
        raise typer.Exit(COMMAND_FAILED)


def show_logs(
    writer: Annotated[Writer, typer.Argument(help="Which log to show.", show_default=False)],
    *,
    stack: Stack,
    workspace: Workspace = None,
    since: Since = "1h",
    as_json: AsJson = False,
) -> None:
    """Print the log of the server, the canary, the claims function or the rotation function.

    On App Runner and Fargate, the server's log has the host's events too. It may quote the text of
    queries: see docs/logs.md.
    """
    period = parse_period(since)
    deployment = Deployment(target(stack, workspace), reads_only=True)
    settings = stack_settings(deployment, deployment.configuration())
    names = ResourceNames(prefix=settings.name_prefix, stack=stack)
    aws = aws_of(deployment.aws_clients())
    log = find_log(writer, aws, names, HOSTS[settings.hosting])
    now = dt.datetime.now(dt.UTC)
    blank = Blanker().blank
    lines = read_lines(aws, log, now - period, now)
    if as_json:
        typer.echo(blank(json.dumps([each.document() for each in lines], indent=2)))
        return
    count = 0
    for count, line in enumerate(lines, start=1):  # noqa: B007 - it counts
        typer.echo(visible(blank(str(line))))
    if not count:
        messages.print(f"! No line within {since} in {' and '.join(log.groups)}")
