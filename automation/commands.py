"""The command line of `python -m automation`."""

import datetime as dt
import fnmatch
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from automation import __doc__ as about
from automation.checks import CHECKS, Check
from automation.checks.results import Report
from automation.checks.runner import run
from automation.deployment import Deployment, DeploymentError
from automation.report.files import REPORTS, ReportError, load, page_of, save
from automation.report.terminal import Display, show
from automation.target import WORKSPACE_VARIABLE, checked_context, target

_NO = 1
_USAGE = 2
_NOT_CARRIED_OUT = 3
_INTERRUPTED = 130

_errors = Console(stderr=True, highlight=False)

app = typer.Typer(
    help=about, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
)

Stack = Annotated[str, typer.Option(help="The stack's name.", show_default=False)]
Workspace = Annotated[
    Path | None,
    typer.Option(
        help="The folder with Pulumi.yaml and the stack's settings.",
        envvar=WORKSPACE_VARIABLE,
        exists=True,
        file_okay=False,
        show_default="this project",
    ),
]
Reports = Annotated[
    Path, typer.Option(help="The folder for reports; each stack's are in a folder of its name.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs, and no table.")]


@app.command()
def check(
    *,
    stack: Stack,
    workspace: Workspace = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run these checks alone: ids, or patterns as in 'P2-*'. Repeatable."),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(min=0, help="Longest time in seconds to wait for a token to expire."),
    ] = 330.0,
    interleavings: Annotated[
        int, typer.Option(min=100, help="How many calls of two clients are interleaved.")
    ] = 2000,
    reports: Reports = REPORTS,
    as_json: AsJson = False,
) -> None:
    """Check a deployed stack; exit status 1 where a check failed.

    The report is kept as JSON, JUnit's XML and a page. Checks read the deployment, call it with
    each client's own token, and take away what they write.
    """
    chosen = _chosen(only or [])
    context = checked_context(
        Deployment(target(stack, workspace), create=False),
        stack,
        longest_wait=wait,
        interleavings=interleavings,
    )
    blank = context.blanker.blank
    started, clock = dt.datetime.now(dt.UTC), time.monotonic()
    with Display(_errors, len(chosen)) as display:
        results = run(
            chosen,
            context,
            lambda result: display.tell(
                result.model_copy(update={"reason": blank(result.reason), "evidence": ()})
            ),
        )
    found = Report(
        stack=stack,
        started=started,
        seconds=round(time.monotonic() - clock, 1),
        versions=_versions(context.settings.server_version),
        outputs=context.outputs,
        results=results,
    ).blanked(blank)
    save(found, reports)
    _show(found, reports, as_json=as_json)
    if not found.passed:
        raise typer.Exit(_NO)


@app.command()
def report(
    *,
    stack: Stack,
    reports: Reports = REPORTS,
    as_json: AsJson = False,
) -> None:
    """Show the last check of a stack again, and write its files anew."""
    found = load(stack, reports)
    save(found, reports)
    _show(found, reports, as_json=as_json)


def _show(found: Report, reports: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        show(found, Console())
        typer.echo(f"The report: {page_of(found.stack, reports)}")


def _chosen(patterns: Sequence[str]) -> list[Check]:
    for pattern in patterns:
        if not fnmatch.filter(CHECKS, pattern):
            raise typer.BadParameter(f"no check is named {pattern}", param_hint="--only")
    return [
        each
        for each in CHECKS.values()
        if not patterns or any(fnmatch.fnmatch(each.id, pattern) for pattern in patterns)
    ]


def _versions(server: str) -> dict[str, str]:
    distributions = ("pulumi", "pulumi-aws", "neo4j", "boto3")
    return {"neo4j/mcp": server} | {name: version(name) for name in distributions}


def main() -> None:
    """Run the command line; a known failure is one message and a status of its own."""
    try:
        app()
    except (DeploymentError, ReportError, BotoCoreError, ClientError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _errors.print("[red]interrupted[/red]: the same command takes over where this one stopped")
        raise SystemExit(_INTERRUPTED) from None


def _fail(message: str) -> NoReturn:
    _errors.print("[red]error:[/red]", message, highlight=False, soft_wrap=True)
    raise SystemExit(_NOT_CARRIED_OUT) from None
