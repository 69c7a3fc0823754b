"""Prints the results of load on the terminal."""

import itertools
from typing import Final

from rich.console import Console
from rich.table import Table

from automation.load.results import Attribution, Hop, LoadReport, Metric, Ratio, Run, Summary
from automation.terminal import styled

_NEARLY_ONE: Final = 0.9995
"""From here on, three digits of milliseconds would be 1e+03."""


_EXPLAINING: Final = frozenset({"statements", "database"})
METRICS: Final[dict[Metric, str]] = {"rate": "Per s", "p50": "p50", "p95": "p95"}
"""The headings of what is compared."""


def print_load_report(report: LoadReport, console: Console) -> None:
    """Print a report: details of a single target, or how several compare."""
    if len(report.runs) > 1:
        console.print(_targets(report))
        if compared_pairs(report):
            console.print(_ratios(report))
    if report.attribution is not None:
        console.print(_attribution(report.attribution))
        if unclear := unclear_parts(report.attribution):
            console.print(styled(unclear, "dim"))
    for name, reason in report.skipped.items():
        console.print(styled(f"{name}: skipped: {reason}", "dim"))
    for run in report.runs:
        if len(report.runs) == 1:
            console.print(_table(report.stack, run))
        for kind, message in run.examples.items():
            # 0 if it happened only outside the measured phases.
            count = run.total.failures.get(kind, 0)
            console.print(styled(f"{run.target}: {count} {kind}: {message}", "dim"))
        if run.callers is None:
            console.print(_lateness(run))


def format_seconds(value: float) -> str:
    """Format a duration with three digits."""
    return f"{value * 1000:.3g} ms" if value < _NEARLY_ONE else f"{value:.3g} s"


def describe(run: Run) -> str:
    """Describe a run's plan in a few words."""
    if run.callers is not None:
        return "1 caller" if run.callers == 1 else f"{run.callers} concurrent callers"
    rates = (
        f"{each.start:g}" if each.start == each.end else f"{each.start:g} to {each.end:g}"
        for each in run.plan
        if each.measured
    )
    # A comparison has a phase in each round.
    parts = (rate for rate, _ in itertools.groupby(rates))
    times = " at random times" if run.at_random else ""
    return f"{', '.join(parts)} calls per second{times}"


def compared_pairs(report: LoadReport) -> dict[tuple[str, str], dict[Metric, Ratio]]:
    """Return the ratios of a report by targets, without those that only explain a difference."""
    pairs: dict[tuple[str, str], dict[Metric, Ratio]] = {}
    for each in report.ratios:
        if _EXPLAINING.isdisjoint((each.of, each.to)):
            pairs.setdefault((each.of, each.to), {})[each.metric] = each
    return pairs


def format_ratio(ratio: Ratio | None) -> str:
    """Format a ratio with its interval; nothing if there is none."""
    if ratio is None:
        return ""
    return f"{ratio.median:.3g} ({ratio.low:.3g}-{ratio.high:.3g})"


def _targets(report: LoadReport) -> Table:
    title = f"{describe(report.runs[0])} on the stack {report.stack}, in turn"
    table = _new_table(title, "Target")
    for run in report.runs:
        table.add_row(*_row(run.total.model_copy(update={"name": run.target})))
    for name in report.skipped:
        table.add_row(name, "skipped")
    return table


def _ratios(report: LoadReport) -> Table:
    table = Table(title="Ratios: the median of the rounds", title_justify="left")
    table.add_column("Targets", overflow="fold")
    pairs = compared_pairs(report)
    metrics = [each for each in METRICS if any(each in found for found in pairs.values())]
    for metric in metrics:
        table.add_column(METRICS[metric], justify="right", no_wrap=True)
    for (one, other), found in pairs.items():
        table.add_row(f"{one} : {other}", *(format_ratio(found.get(each)) for each in metrics))
    return table


def format_interval(hop: Hop) -> str:
    """Format the interval of a part's time."""
    return f"{format_seconds(hop.low)} to {format_seconds(hop.high)}"


def unclear_parts(attribution: Attribution) -> str:
    """Return which parts are too short for the differences among the rounds; nothing if none is."""
    names = [hop.name for hop in attribution.hops if hop.low <= 0]
    if not names:
        return ""
    return (
        f"Too short to be measured in this run, as the interval includes 0: {', '.join(names)}."
        " More --rounds narrow it, on a machine that does nothing else."
    )


def _attribution(attribution: Attribution) -> Table:
    table = Table(title="Where half of the calls spend their time", title_justify="left")
    table.add_column("Part")
    table.add_column("Time", justify="right", no_wrap=True)
    table.add_column("Interval", justify="right", no_wrap=True)
    for hop in attribution.hops:
        table.add_row(*_hop_row(hop))
    table.add_section()
    for hop in filter(None, (attribution.whole, attribution.deployed)):
        table.add_row(*_hop_row(hop))
    return table


def _hop_row(hop: Hop) -> tuple[str, str, str]:
    name = f"{hop.name} (emulated)" if hop.emulated else hop.name
    return name, format_seconds(hop.median), format_interval(hop)


def _table(stack: str, run: Run) -> Table:
    table = _new_table(f"{describe(run)} on the stack {stack}", "Calls")
    for summary in (run.total, *run.kinds):
        table.add_row(*_row(summary))
    table.add_section()
    for summary in run.clients:
        table.add_row(*_row(summary.model_copy(update={"name": f"as {summary.name}"})))
    table.add_section()
    for summary in run.phases:
        table.add_row(*_row(summary))
    return table


def _new_table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first, overflow="fold", min_width=7)
    for column in ("Number", "Failed", "Per s", "p50", "p95", "p99", "Longest"):
        table.add_column(column, justify="right", no_wrap=True)
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
        f"This machine sent 99 % of the calls of the {run.target} within"
        f" {format_seconds(run.late)} of when they were due, which is part of the latency."
    )
