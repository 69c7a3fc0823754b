"""Collects what somebody without access to the account needs to help."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from automation.blanking import Blanker
from automation.commands.messages import messages
from automation.commands.options import Reports, Stack, Workspace
from automation.commands.periods import Since, parse_period
from automation.deployment import Deployment
from automation.hosting.host import aws_of
from automation.report.files import REPORTS
from automation.rotation.clients import find_clients
from automation.support.archive import PROBLEMS, collect, write
from automation.support.secrets import learn_client_secrets
from automation.support.sources import Sources
from automation.target import target


def support(
    *,
    stack: Stack,
    workspace: Workspace = None,
    since: Since = "24h",
    output: Annotated[
        Path, typer.Option(help="The archive to write; it must not exist yet.", dir_okay=False)
    ] = Path("support.zip"),
    reports: Reports = REPORTS,
) -> None:
    """Write versions, settings, outputs, deployments, alarms, logs and checks to one archive.

    It changes nothing in the stack. Client secrets and tokens are blanked; to do so, it reads the
    clients' secrets, which the audit shows. The server's log may quote the text of queries: see
    docs/logs.md.
    """
    period = parse_period(since)
    deployment = Deployment(target(stack, workspace), reads_only=True)
    now = dt.datetime.now(dt.UTC)
    blanker = Blanker()
    aws = aws_of(deployment.aws_clients())
    try:
        clients = find_clients(deployment.outputs(), stack)
        learn_client_secrets(blanker, clients, aws)
    except (BotoCoreError, ClientError) as error:
        messages.print(
            f"! The clients' secrets can't be read ({error}), so a client secret is blanked only"
            " where it looks like one"
        )
    sources = Sources(deployment=deployment, since=now - period, until=now, reports=reports)
    files = collect(sources.parts(), blanker.blank)
    write(output, files)
    for problem in files[PROBLEMS].splitlines():
        messages.print(f"! {problem}")
    typer.echo(f"Wrote {output}, which only you can read. Read it before you pass it on.")
