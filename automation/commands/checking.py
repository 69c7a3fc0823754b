"""Checks a deployed stack."""

import fnmatch
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Annotated

import typer

from automation.checks import CHECKS, Check
from automation.checks.results import Report
from automation.checks.runner import run
from automation.commands.exit_statuses import UNSUCCESSFUL
from automation.commands.messages import NO_REPORT, messages
from automation.commands.options import AsJson, Reports, Stack, Workspace
from automation.commands.reporting import print_saved_report
from automation.commands.running import exit_status, run_and_report
from automation.deployment import Deployment
from automation.report.files import REPORTS, save
from automation.report.terminal import Display
from automation.target import checked_context, target
from automation.terminal import print_error


def check(
    *,
    stack: Stack,
    workspace: Workspace = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run only these checks: an id or a pattern such as 'P2-*'. Repeatable."),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(min=0, help="The longest wait for a token to expire, in seconds."),
    ] = 330.0,
    interleavings: Annotated[
        int, typer.Option(min=100, help="How many calls of two clients to interleave.")
    ] = 2000,
    other_host: Annotated[
        bool,
        typer.Option(
            "--other-host",
            help="Check the host that callers don't use, while the stack moves to another one.",
        ),
    ] = False,
    reports: Reports = REPORTS,
    as_json: AsJson = False,
) -> None:
    """Check a deployed stack, and exit with status 1 if a check failed.

    The report is written as JSON, JUnit XML and an HTML page. Checks read the deployment, call it
    with each client's own token, and remove what they write.
    """
    chosen = _select_checks(only or [])
    deployment = Deployment(target(stack, workspace), reads_only=True)
    context = checked_context(
        deployment,
        stack,
        longest_wait=wait,
        interleavings=interleavings,
        other_host=other_host,
    )
    try:
        with Display(messages, len(chosen)) as display:
            found = run_and_report(
                partial(Report, hosting=context.settings.hosting),
                deployment,
                context,
                lambda on_result: run(chosen, context, on_result),
                display.show_result,
            )
    except KeyboardInterrupt:
        print_error(NO_REPORT, "interrupted")
        raise
    save(found, reports)
    print_saved_report(found, reports, as_json=as_json)
    if not found.passed:
        raise typer.Exit(exit_status(found) or UNSUCCESSFUL)


def _select_checks(patterns: Sequence[str]) -> list[Check]:
    for pattern in patterns:
        if not fnmatch.filter(CHECKS, pattern):
            raise typer.BadParameter(f"no check matches {pattern}", param_hint="--only")
    return [each for each in CHECKS.values() if not patterns or _matches_any(each.id, patterns)]


def _matches_any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
