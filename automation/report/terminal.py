"""The report for a person at a terminal: results as they come, and a table at the end."""

import math
from collections.abc import Sequence
from types import MappingProxyType, TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from automation.checks.results import PHASES, Outcome, Report, Result
from automation.deployment import Changes
from automation.drills.results import DrillReport, Slice, Traffic
from automation.terminal import styled

_STRIP = 40
"""Characters of a line that shows calls over time."""
_MARKS = MappingProxyType(
    {
        Outcome.PASSED: styled("✓", "green"),
        Outcome.FAILED: styled("✗", "red"),
        Outcome.UNDECIDED: styled("?", "magenta"),
        Outcome.SKIPPED: styled("∅", "yellow"),
    }
)


class Display:
    """Shows on standard error what goes on while checks run."""

    def __init__(self, console: Console, total: int) -> None:
        """Prepare.

        Args:
            console: where to write.
            total: how many checks run.
        """
        self._console = console
        self._progress = Progress(
            TextColumn("Checking"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> Self:
        """Show the bar, on a terminal."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._progress.stop()

    def tell(self, result: Result) -> None:
        """Show one result.

        Args:
            result: the result; its secrets are blanked already.
        """
        self._progress.advance(self._task)
        tell_result(result, self._console)


def tell_result(result: Result, console: Console) -> None:
    """Print one result as it comes.

    Args:
        result: the result; its secrets are blanked already.
        console: where to write.
    """
    console.print(_MARKS[result.outcome], result.id, styled(f"{result.seconds:.1f} s", "dim"))
    if result.outcome in {Outcome.FAILED, Outcome.UNDECIDED}:
        console.print(f"    {result.reason}")


def tell_event(name: str, at: float, event: str, console: Console) -> None:
    """Print what happens in a drill as it happens.

    Args:
        name: the drill's name.
        at: when, in seconds since the drill began.
        event: what happens; its secrets are blanked already.
        console: where to write.
    """
    console.print(styled(f"{name} {at:6.1f} s  {event}", "dim"))


def show(report: Report, console: Console) -> None:
    """Print the report as a table, and its sum.

    Args:
        report: the report.
        console: where to write.
    """
    table = Table(title=f"Stack {report.stack}", title_justify="left")
    table.add_column("Check", no_wrap=True)
    table.add_column("What it proves", overflow="fold")
    table.add_column("")
    table.add_column("Time", justify="right", no_wrap=True)
    phase = ""
    for result in report.results:
        if result.phase != phase:
            phase = result.phase
            table.add_section()
            table.add_row(styled(phase, "bold"), styled(PHASES[phase], "bold"))
        sentence = styled(result.sentence, "")
        if result.reason:
            sentence.append(styled(f"\n{result.outcome}: {result.reason}", "dim"))
        table.add_row(result.id, sentence, _MARKS[result.outcome], f"{result.seconds:.1f} s")
    console.print(table)
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in Outcome)
    console.print(f"{counts}, in {report.seconds:.0f} s")


def show_drills(report: DrillReport, console: Console) -> None:
    """Print what the drills found: verdicts, and calls over time.

    Args:
        report: the report.
        console: where to write.
    """
    table = Table(title=f"Drills on the stack {report.stack}", title_justify="left")
    table.add_column("Drill", overflow="fold")
    table.add_column("")
    for column in ("Calls", "Failed", "Failing for"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("Calls over time", no_wrap=True)
    for result in report.results:
        table.add_section()
        table.add_row(styled(result.name, "bold"), _MARKS[result.outcome])
        for seen in result.traffic:
            failing = "" if seen.first_failure is None else _failing(seen)
            lost = sum(seen.failures.values())
            table.add_row(f"  {seen.who}", "", str(seen.calls), str(lost), failing, strip(seen))
        if result.reason:
            table.add_row(styled(f"  {result.outcome}: {result.reason}", "dim"))
    console.print(table)
    console.print(styled("▪ answered", "green"), styled("✗ a call failed", "red"), "· none ended")
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in Outcome)
    console.print(f"{counts}, in {report.seconds:.0f} s")


def strip(traffic: Traffic) -> Text:
    """Draw a group's calls in one line.

    Args:
        traffic: the group's calls.

    Returns:
        A mark for each part of the time: whether calls were answered, failed, or none ended.
    """
    slices = traffic.slices
    share = max(1, math.ceil(len(slices) / _STRIP))
    parts = [slices[start : start + share] for start in range(0, len(slices), share)]
    return Text.assemble(*map(_mark, parts))


def _mark(part: Sequence[Slice]) -> Text:
    if any(each.failed for each in part):
        return styled("✗", "red")
    return styled("▪", "green") if any(each.answered for each in part) else styled("·", "dim")


def _failing(traffic: Traffic) -> str:
    if traffic.first_failure is None or traffic.recovery is None:
        return "to the end"
    return f"{traffic.recovery - traffic.first_failure:.1f} s"


def show_changes(what: str, changes: Changes, console: Console) -> None:
    """Print what an operation changes, resource by resource.

    Args:
        what: what became of them, as in "changed".
        changes: the changes.
        console: where to write.
    """
    if changes.none:
        console.print(f"Nothing {what}: {changes.counts.get('same', 0)} resources are the same.")
        return
    table = Table(title=f"What {what}", title_justify="left")
    for column in ("Operation", "Resource", "Properties"):
        table.add_column(column, overflow="fold")
    for step in changes.steps:
        if step.urn in changes.resources and step.in_the_cloud:
            operation = changes.resources[step.urn]
            table.add_row(operation, step.name, ", ".join(step.properties))
    console.print(table)
    console.print(", ".join(f"{count} {name}" for name, count in changes.counts.items()))
