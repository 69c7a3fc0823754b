"""Reads who got tokens and secrets, and what the programs logged."""

import datetime as dt
import json
import re
from typing import Annotated

import typer

from automation.audit.printing import print_audit
from automation.audit.sources import HISTORY, read_audit
from automation.blanking import Blanker
from automation.commands.exit_statuses import COMMAND_FAILED
from automation.commands.messages import messages
from automation.commands.options import AsJson, Stack, Workspace
from automation.deployment import Deployment
from automation.hosting.host import aws_of
from automation.hosting.hosts import HOSTS
from automation.rotation.clients import find_clients
from automation.rotation.stack import deployed_outputs
from automation.stack_logs import Writer, find_log, read_lines
from automation.target import resource_names, stack_settings, target
from automation.terminal import console, visible
from components.names import ResourceNames

# Longer numbers could overflow.
_PERIOD = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def show_audit(
    *,
    stack: Stack,
    workspace: Workspace = None,
    since: Annotated[
        str, typer.Option(help="How far back: a number with m, h or d, such as 90m, 24h or 7d.")
    ] = "24h",
    as_json: AsJson = False,
) -> None:
    """Show who got which tokens, and who read the clients' secrets.

    It reads the claims function's log and CloudTrail's event history. docs/audit.md shows how to
    find out who ran which query.
    """
    period = _period(since)
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
    since: Annotated[
        str, typer.Option(help="How far back: a number with m, h or d, such as 90m, 24h or 7d.")
    ] = "1h",
    as_json: AsJson = False,
) -> None:
    """Print the log of the server, the canary, the claims function or the rotation function.

    On App Runner and Fargate, the server's log has the host's events too. It may quote the text of
    queries: see docs/logs.md.
    """
    period = _period(since)
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


def _period(text: str) -> dt.timedelta:
    """Parse a number with a unit, at most as long as CloudTrail's event history."""
    match = _PERIOD.fullmatch(text)
    period = dt.timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else dt.timedelta()
    if not dt.timedelta() < period <= HISTORY:
        raise typer.BadParameter(
            f"must be a number with m, h or d, such as 24h, at most {HISTORY.days}d, not {text}",
            param_hint="--since",
        )
    return period
