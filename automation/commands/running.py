"""Runs checks or drills, and makes their report and exit status."""

import datetime as dt
import time
from collections.abc import Callable
from typing import TypeVar

from automation.checks.context import Context
from automation.checks.results import AnyReport, Outcome, Result
from automation.commands.exit_statuses import COMMAND_FAILED, UNSUCCESSFUL
from automation.deployment import Deployment
from automation.versions import distribution_versions

_AnyReport = TypeVar("_AnyReport", bound=AnyReport)
_AnyResult = TypeVar("_AnyResult", bound=Result)
OnResult = Callable[[_AnyResult], None]


def run_and_report(
    make: Callable[..., _AnyReport],
    deployment: Deployment,
    context: Context,
    run_all: Callable[[OnResult[_AnyResult]], tuple[_AnyResult, ...]],
    on_result: OnResult[_AnyResult],
) -> _AnyReport:
    """Run checks or drills, and return their report with every secret blanked."""
    blank = context.blanker.blank
    started, clock = dt.datetime.now(dt.UTC), time.monotonic()
    results = run_all(
        lambda result: on_result(result.model_copy(update={"reason": blank(result.reason)}))
    )
    return make(
        stack=context.stack,
        started=started,
        seconds=round(time.monotonic() - clock, 1),
        environment={
            "AWS region": str(context.session.region_name),
            "Database": context.database_uri,
            "MCP server (neo4j/mcp)": context.settings.server_version,
            "Pulumi engine": deployment.engine_version,
            **distribution_versions(),
        },
        outputs={name: value for name, value in context.outputs.items() if name != "readme"},
        results=results,
    ).blanked(blank)


def exit_status(found: AnyReport) -> int:
    """Choose the exit status; skipped checks and drills don't count."""
    if found.count(Outcome.FAILED):
        return UNSUCCESSFUL
    return COMMAND_FAILED if found.count(Outcome.UNDECIDED) else 0
