"""Prints probes and what they found, for a person or as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_UP, Decimal
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from automation.checks.results import Outcome
from automation.probes.comparison import as_diff
from automation.probes.probe import Probe
from automation.probes.recordings import Recording
from automation.probes.runner import Result

_CENT: Final = Decimal("0.01")


def print_probes(
    probes: Sequence[Probe], recorded: Mapping[str, Recording], console: Console
) -> None:
    """Print probes with their duration and cost, and what they need."""
    table = Table(box=None, pad_edge=False)
    for title in ("Probe", "Question", "Seconds", "USD", "Recorded on AWS"):
        table.add_column(title, justify="right" if title in {"Seconds", "USD"} else "left")
    for probe in probes:
        recording = recorded.get(probe.key)
        table.add_row(
            probe.key,
            f"{probe.question}{_notes(probe)}",
            f"{probe.seconds:g}",
            _usd(probe.cost),
            recording.recorded_at.isoformat() if recording else "not yet",
        )
    console.print(table)


def _notes(probe: Probe) -> str:
    notes = []
    if probe.needs:
        notes.append(f"needs {probe.needs.words}")
    if probe.disruptive:
        notes.append("callers may notice it")
    return f" ({', '.join(notes)})" if notes else ""


def left_out(reasons: Mapping[str, str]) -> list[str]:
    """Return a line on the probes that don't run, for each reason.

    Args:
        reasons: why each doesn't, by its key; empty for those that do.
    """
    keys: dict[str, list[str]] = {}
    for key, reason in reasons.items():
        if reason:
            keys.setdefault(reason, []).append(key)
    return [f"Left out, as {reason}: {', '.join(found)}" for reason, found in keys.items()]


def summary(probes: Sequence[Probe]) -> str:
    """Return how long probes take on AWS, and what they cost at most."""
    if not probes:
        return "No probe runs."
    minutes = max(round(sum(each.seconds for each in probes) / 60), 1)
    cost = sum((each.cost for each in probes), Decimal(0)).quantize(_CENT, ROUND_UP)
    probing, costing = ("probe takes", "costs") if len(probes) == 1 else ("probes take", "cost")
    return f"{len(probes)} {probing} about {minutes} min on AWS and {costing} at most {cost} USD."


def progress(number: int, count: int, probe: Probe) -> str:
    """Return the line that says that a probe begins.

    Args:
        number: its place among those of the run.
        count: how many these are.
    """
    return f"… {number} of {count}: {probe.key}, about {probe.seconds:g} s on AWS"


def print_result(result: Result, console: Console) -> None:
    """Print what one probe found."""
    console.print(f"{result.outcome:9} {result.probe.key} {result.reason}".rstrip())
    if result.differences:
        console.print(as_diff(result.expected.basis, result.differences))
    for resource, reason in result.remaining.items():
        console.print(f"! {resource} remains: {reason}")


def print_summary(results: Iterable[Result], folder: Path, console: Console) -> None:
    """Print how many probes ended how, and where their recordings are."""
    outcomes = [each.outcome for each in results]
    counts = [f"{outcomes.count(each)} {each}" for each in Outcome if each in outcomes]
    console.print(f"{', '.join(counts) or 'no probes'}. The recordings are in {folder}.")


def probes_document(
    probes: Sequence[Probe], recorded: Mapping[str, Recording]
) -> list[dict[str, Any]]:
    """Return the probes as JSON has them."""
    return [
        {
            "probe": each.key,
            "question": each.question,
            "rows": list(each.rows),
            "services": list(each.services),
            "seconds": each.seconds,
            "usd": str(each.cost.quantize(Decimal("0.0001"), ROUND_UP)),
            "needs": each.needs.words if each.needs else "",
            "disruptive": each.disruptive,
            "recordedAt": recorded[each.key].recorded_at.isoformat()
            if each.key in recorded
            else None,
        }
        for each in probes
    ]


def results_document(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Return results as JSON has them."""
    return [
        {
            "probe": each.probe.key,
            "outcome": each.outcome.value,
            "reason": each.reason,
            "expectedFrom": each.expected.basis,
            "observation": each.recording and dict(each.recording.observation),
            "source": each.recording and each.recording.source,
            "differences": [
                {"key": one.key, "expected": one.expected, "observed": one.observed}
                for one in each.differences
            ],
            "remaining": dict(each.remaining),
        }
        for each in results
    ]


def _usd(cost: Decimal) -> str:
    return "0" if not cost else f"{cost.quantize(Decimal('0.0001'), ROUND_UP)}"
