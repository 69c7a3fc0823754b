"""Prints the results of load on the terminal."""

from typing import Final

from rich.console import Console
from rich.table import Table

from automation.load.results import LoadReport, Run, Summary
from automation.terminal import styled

_NEARLY_ONE: Final = 0.9995
"""From here on, three digits of milliseconds would be 1e+03."""


def print_load_report(report: LoadReport, console: Console) -> None:
    """Print a report as a table for each target."""
    for run in report.runs:
        console.print(_table(report.stack, run))
        for kind, message in run.examples.items():
            # 0 if it happened only outside the measured phases.
            console.print(styled(f"{run.total.failures.get(kind, 0)} {kind}: {message}", "dim"))
        if run.callers is None:
            console.print(_lateness(run))


def format_seconds(value: float) -> str:
    """Format a duration with three digits."""
    return f"{value * 1000:.3g} ms" if value < _NEARLY_ONE else f"{value:.3g} s"


def describe(run: Run) -> str:
    """Describe a run's plan in a few words."""
    if run.callers is not None:
        return f"{run.callers} concurrent callers"
    parts = (
        f"{each.start:g}" if each.start == each.end else f"{each.start:g} to {each.end:g}"
        for each in run.plan
        if each.measured
    )
    return f"{', '.join(parts)} calls per second"


def _table(stack: str, run: Run) -> Table:
    table = Table(title=f"{describe(run)} on the stack {stack}", title_justify="left")
    table.add_column("Calls", overflow="fold", min_width=7)
    for column in ("Number", "Failed", "Per s", "p50", "p95", "p99", "Longest"):
        table.add_column(column, justify="right", no_wrap=True)
    for summary in (run.total, *run.kinds):
        table.add_row(*_row(summary))
    table.add_section()
    for summary in run.phases:
        table.add_row(*_row(summary))
    return table


def _row(summary: Summary) -> tuple[str, ...]:
    latency = summary.latency
    times = (latency.p50, latency.p95, latency.p99, latency.longest) if latency else ()
    return (
        summary.name,
        str(summary.calls),
        str(summary.failed),
        f"{summary.rate:.1f}",
        *map(format_seconds, times),
    )


def _lateness(run: Run) -> str:
    return (
        f"This machine sent 99 % of the calls within {format_seconds(run.late)} of when they were"
        " due, which is part of the latency."
    )
