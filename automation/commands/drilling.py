"""Runs drills on a stack, and lists them."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Column, Table

from automation.checks.context import Context
from automation.commands.messages import messages
from automation.commands.options import AsJson, Reports, Workspace
from automation.commands.reporting import print_saved_report
from automation.commands.running import OnResult, exit_status, run_and_report
from automation.controls import Controls
from automation.deployment import Deployment
from automation.drills import DRILLS, Drill
from automation.drills.exercise import OnEvent, Options
from automation.drills.results import DrillReport, DrillResult
from automation.drills.runner import run as run_drills
from automation.report.files import DRILL_REPORTS, save
from automation.report.terminal import print_event, print_result
from automation.target import checked_context, target
from automation.terminal import console, print_error


def drill(
    name: Annotated[str, typer.Argument(help="The drill's name, or all.")] = "all",
    *,
    stack: Annotated[str, typer.Option(help="The stack's name.", show_default=False)] = "",
    workspace: Workspace = None,
    list_them: Annotated[
        bool,
        typer.Option("--list", help="List the drills and what they touch."),
    ] = False,
    callers: Annotated[
        int, typer.Option(min=1, max=64, help="How many callers make calls at once.")
    ] = Options.callers,
    token_lifetime: Annotated[
        int,
        typer.Option(
            min=5, help="The token lifetime for token-expiry, in seconds; Cognito's minimum is 300."
        ),
    ] = Options.token_lifetime,
    reports: Reports = DRILL_REPORTS,
    as_json: AsJson = False,
) -> None:
    """Disturb a deployed stack, see what its callers notice, and restore it.

    Drills run one after another, and disturb everyone who uses the stack. After a Ctrl-C, what the
    drill has changed is restored first. The report is written like that of the checks.
    """
    if list_them:
        _list_drills(as_json=as_json)
        return
    if not stack:
        raise typer.BadParameter("is required to run a drill", param_hint="--stack")
    if name not in {*DRILLS, "all"}:
        raise typer.BadParameter(
            f"must be all or one of {', '.join(DRILLS)}, not {name}", param_hint="NAME"
        )
    chosen = [each for each in DRILLS.values() if name in {each.name, "all"}]
    deployment = Deployment(target(stack, workspace))
    context = checked_context(deployment, stack, longest_wait=0, interleavings=0)
    options = Options(callers=callers, token_lifetime=token_lifetime)
    try:
        found = run_drills_and_report(
            chosen, deployment, context, Controls.from_environment(), options
        )
    except KeyboardInterrupt as interrupted:
        print_error(str(interrupted), "interrupted")
        raise
    save(found, reports)
    print_saved_report(found, reports, as_json=as_json)
    raise typer.Exit(exit_status(found))


def run_drills_and_report(
    drills: Sequence[Drill],
    deployment: Deployment,
    context: Context,
    controls: Controls,
    options: Options,
) -> DrillReport:
    """Run drills, print their events and verdicts, and return the report.

    Raises:
        KeyboardInterrupt: a signal interrupted a drill, and what it had changed is restored.
    """

    def print_events(started: Drill) -> OnEvent:
        blank = context.blanker.blank
        return lambda at, event: print_event(started.name, at, blank(event), messages)

    def run_all(on_result: OnResult[DrillResult]) -> tuple[DrillResult, ...]:
        return run_drills(
            drills, context, controls, options, on_event=print_events, on_result=on_result
        )

    return run_and_report(
        DrillReport,
        deployment,
        context,
        run_all,
        lambda result: print_result(result, messages),
    )


def _list_drills(*, as_json: bool) -> None:
    if as_json:
        keys = ("name", "sentence", "touches")
        drills = [{key: getattr(each, key) for key in keys} for each in DRILLS.values()]
        typer.echo(json.dumps(drills, indent=2))
        return
    table = Table(Column("Drill", no_wrap=True), "What it proves", "What it touches")
    for each in DRILLS.values():
        table.add_row(each.name, each.sentence, each.touches)
    console().print(table)
