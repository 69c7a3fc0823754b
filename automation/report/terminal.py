"""Prints results while checks or drills run, and the whole report as a table at the end."""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from automation.checks.results import PHASES, AnyReport, Outcome, Report, Result
from automation.deployment import Changes
from automation.drills.results import DrillReport, Slice, Traffic
from automation.rotation.results import Rotation, format_time
from automation.terminal import styled

_MINIMUM_STRIP, _MAXIMUM_STRIP = 16, 60
_OTHER_COLUMNS = 64
"""Widths in characters: of the column with calls over time, and of all other columns."""
_MARKS = MappingProxyType(
    {
        Outcome.PASSED: styled("✓", "green"),
        Outcome.FAILED: styled("✗", "red"),
        Outcome.UNDECIDED: styled("?", "magenta"),
        Outcome.SKIPPED: styled("∅", "yellow"),
    }
)


class Display:
    """Shows a progress bar and the results while checks run."""

    def __init__(self, console: Console, total: int) -> None:
        """Prepare a progress bar, which is shown on terminals only.

        Args:
            console: where to print.
            total: the number of checks.
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
        """Show the progress bar."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the progress bar."""
        self._progress.stop()

    def show_result(self, result: Result) -> None:
        """Print a result, and advance the progress bar.

        Args:
            result: the result, without secrets.
        """
        self._progress.advance(self._task)
        print_result(result, self._console)


def print_result(result: Result, console: Console) -> None:
    """Print a result on one line, with its reason if it failed or is undecided.

    Args:
        result: the result, without secrets.
        console: where to print.
    """
    console.print(_MARKS[result.outcome], result.id, styled(f"{result.seconds:.1f} s", "dim"))
    if result.outcome in {Outcome.FAILED, Outcome.UNDECIDED}:
        console.print(f"    {result.reason}")


def print_event(name: str, at: float, event: str, console: Console) -> None:
    """Print an event of a drill.

    Args:
        name: the drill's name.
        at: seconds since the drill began.
        event: what happens, without secrets.
        console: where to print.
    """
    console.print(styled(f"{name} {at:6.1f} s  {event}", "dim"))


def print_report(report: Report, console: Console) -> None:
    """Print a report of checks as a table, and the number of results by outcome."""
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
    _print_counts(report, console)


def print_drill_report(report: DrillReport, console: Console) -> None:
    """Print a report of drills as a table with the calls over time."""
    table = Table(title=report.title, title_justify="left")
    table.add_column(f"{report.unit.capitalize()} and callers", overflow="fold", min_width=20)
    for column in ("Calls", "Failed", "For"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("Calls over time", no_wrap=True)
    characters = max(_MINIMUM_STRIP, min(_MAXIMUM_STRIP, console.width - _OTHER_COLUMNS))
    for result in report.results:
        table.add_section()
        table.add_row(Text.assemble(_MARKS[result.outcome], " ", styled(result.name, "bold")))
        for seen in result.traffic:
            lost = sum(seen.failures.values())
            drawn = strip(seen, characters)
            table.add_row(
                f"  {seen.who}", str(seen.calls), str(lost), _failure_duration(seen), drawn
            )
    console.print(table)
    console.print(
        styled("▪ calls succeeded", "green"), styled("✗ a call failed", "red"), "· no call ended"
    )
    if any(result.writes for result in report.results):
        _print_writes(report, console)
    for result in report.results:
        if result.reason:
            console.print(_MARKS[result.outcome], f"{result.name}: {result.reason}")
    _print_counts(report, console)


def _print_writes(report: DrillReport, console: Console) -> None:
    table = Table(title="Writes, compared with the database", title_justify="left")
    table.add_column("Fault, callers that", overflow="fold", min_width=20)
    for column in ("Acknowledged", "Lost", "Failed", "Present", "Repeated", "Longest call"):
        table.add_column(column, justify="right")
    for result in report.results:
        table.add_section()
        table.add_row(styled(result.name, "bold"))
        for each in result.writes:
            counts = (each.acknowledged, each.lost, each.unacknowledged, each.present)
            table.add_row(
                f"  {each.way}",
                *map(str, (*counts, each.repeated)),
                f"{each.longest_call or 0.0:.1f} s",
            )
    console.print(table)


def _print_counts(report: AnyReport, console: Console) -> None:
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in Outcome)
    console.print(f"{counts}, in {report.seconds:.0f} s")


def strip(traffic: Traffic, characters: int) -> Text:
    """Draw the calls of a group of callers on one line, with a mark for each part of the time.

    Args:
        traffic: the calls.
        characters: the maximum length of the line.
    """
    slices = traffic.slices
    share = max(1, math.ceil(len(slices) / characters))
    parts = [slices[start : start + share] for start in range(0, len(slices), share)]
    return Text.assemble(*map(_mark, parts))


def _mark(part: Sequence[Slice]) -> Text:
    if any(each.failed for each in part):
        return styled("✗", "red")
    return styled("▪", "green") if any(each.answered for each in part) else styled("·", "dim")


def _failure_duration(traffic: Traffic) -> str:
    if traffic.first_failure is None:
        return ""
    if traffic.recovery is None:
        return "to the end"
    return f"{traffic.recovery - traffic.first_failure:.1f} s"


def print_rotations(rotations: Sequence[Rotation], console: Console) -> None:
    """Print what happened to the clients' secrets as a table, and what to do about each."""
    table = Table("Client", "Result", title="The clients' secrets", title_justify="left")
    table.add_column("Current client secret", overflow="fold")
    table.add_column("Replaced one is valid until", no_wrap=True)
    for each in rotations:
        ends = format_time(each.previous_ends) if each.previous_ends else ""
        table.add_row(each.client, str(each.outcome), each.current or "", ends)
    console.print(table)
    for each in rotations:
        for line in _consequences(each):
            console.print(f"{each.client}: {line}", soft_wrap=True)


def _consequences(rotation: Rotation) -> Iterator[str]:
    if rotation.reason:
        yield rotation.reason
    if rotation.previous_ends is not None:
        yield (
            "callers that keep the secret have to read it again until then. The replaced client"
            " secret is deleted within an hour afterwards."
        )
    if rotation.tokens_end is not None:
        # The minute that is printed must not be too early.
        ends = format_time(rotation.tokens_end + dt.timedelta(minutes=1))
        yield (
            f"the last token already issued expires by {ends}. To refuse such tokens at once, open"
            " Organization settings → Security → Single Sign-On in the Aura console, and remove"
            f" {rotation.client_id} from the audience. All sessions of that configuration then have"
            " to log on again. Add it again after that time."
        )


def print_changes(
    what: str, changes: Changes, console: Console, *, restored: Sequence[str] = ()
) -> None:
    """Print the changes to each resource as a table.

    Args:
        what: a participle such as "changed" or "deleted".
        changes: the changes that the engine made.
        console: where to print.
        restored: the functions whose code was restored, which is no change for the engine.
    """
    if restored:
        console.print(
            f"Restored the code of {', '.join(restored)}, which was changed outside of the stack.",
            soft_wrap=True,
        )
    if changes.none:
        nothing = f"Nothing else {what}" if restored else f"Nothing {what}"
        console.print(f"{nothing}: {changes.counts.get('same', 0)} resources are unchanged.")
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
