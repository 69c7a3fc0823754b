"""Shows a saved report, as the commands that make one show it."""

from pathlib import Path

import typer

from automation.commands.options import AsJson, Reports, Stack
from automation.drills.results import DrillReport
from automation.load.printing import print_load_report
from automation.load.results import LoadReport
from automation.report.files import REPORTS, SavedReport, load, page_path, save
from automation.report.terminal import print_drill_report, print_report
from automation.terminal import console


def report(*, stack: Stack, reports: Reports = REPORTS, as_json: AsJson = False) -> None:
    """Show a stack's last report, and write its files again.

    For the drills' report, add: --reports reports/drills; for that of load: --reports reports/load
    """
    found = load(stack, reports)
    save(found, reports)
    print_saved_report(found, reports, as_json=as_json)


def print_saved_report(found: SavedReport, reports: Path, *, as_json: bool) -> None:
    """Print a report of checks, drills or load, and say where its page is."""
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    if isinstance(found, LoadReport):
        print_load_report(found, console())
    elif isinstance(found, DrillReport):
        print_drill_report(found, console())
    else:
        print_report(found, console())
    typer.echo(f"The report: {page_path(found.stack, reports)}")
