"""The figures of a run that docs/resilience.md shows."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter

from automation.chaos.bounds import (
    LONGEST_CALL,
    LONGEST_REQUEST,
    LONGEST_TOKEN,
    LONGEST_WITH_TOKEN,
)
from automation.chaos.faults import FAULTS
from automation.checks.results import Data
from automation.drills.results import DrillReport, DrillResult, Writes

RECOVERY = "recovery"
"""The phase after a fault, until every caller's calls succeed again."""


class Figures(Data):
    """The figures of one run.

    Attributes:
        date: when it began.
        seed: its seed.
        seconds: how long it took.
        faults: the writes of each fault, by its name; empty if it was skipped.
        recovery: seconds until every caller's calls succeeded again, by the fault's name.
    """

    date: str
    seed: str
    seconds: float
    faults: Mapping[str, Sequence[Writes]]
    recovery: Mapping[str, float]


_FIGURES = TypeAdapter(Figures)


def write_figures(report: DrillReport, path: Path) -> None:
    """Write a run's figures to a file, which `docs/tables.py` reads."""
    figures = Figures(
        date=report.started.date().isoformat(),
        seed=report.environment["Seed"],
        seconds=report.seconds,
        faults={each.name: each.writes for each in report.results},
        recovery={each.name: _recovery(each) for each in report.results if each.writes},
    )
    path.write_text(figures.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_figures(path: Path) -> Figures:
    """Read a run's figures."""
    return _FIGURES.validate_json(path.read_bytes())


def measured_table(figures: Figures) -> str:
    """Return the table of a run's figures."""
    total = sum(each.calls for writes in figures.faults.values() for each in writes)
    columns = [
        "Fault",
        "Callers that",
        "Calls",
        "Acknowledged",
        "Lost",
        "Failed",
        "Present",
        "Repeated",
        "Calls that failed",
        "Longest call",
        "Recovered after",
    ]
    minutes = f"{figures.seconds / 60:.0f} minutes"
    lines = [
        f"{total} calls on the stand-in on {figures.date}, in {minutes}, with seed {figures.seed}:",
        "",
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
        *_rows(figures),
    ]
    return "\n".join(lines)


def _rows(figures: Figures) -> Iterator[str]:
    for name in FAULTS:
        for number, each in enumerate(figures.faults.get(name, ())):
            failures = ", ".join(f"{count} {kind}" for kind, count in each.failures.items())
            cells = [
                f"`{name}`" if not number else "",
                each.way,
                each.calls,
                each.acknowledged,
                each.lost,
                each.unacknowledged,
                each.present,
                each.repeated,
                failures,
                f"{each.longest_call or 0.0:.1f} s",
                f"{figures.recovery[name]:.1f} s" if not number else "",
            ]
            yield f"| {' | '.join(map(str, cells))} |"


def faults_table() -> str:
    """Return the table of the faults, and of what callers may see."""
    lines = ["| Fault | What fails | What callers see | Within |", "|---|---|---|---|"]
    for fault in FAULTS.values():
        kinds = ", ".join(f"`{each}`" for each in sorted(fault.kinds)) or "Nothing"
        lines.append(f"| `{fault.name}` | {fault.what} | {kinds} | {fault.within:.0f} s |")
    return "\n".join(lines)


def bounds_table() -> str:
    """Return the table of how long a call may take."""
    bounds = {
        "To get a token, or to fail to, with retries": LONGEST_TOKEN,
        "One request to the server": LONGEST_REQUEST,
        "A call with a token, with its retries": LONGEST_WITH_TOKEN,
        "A call whose token has to be replaced on the way, at most": LONGEST_CALL,
    }
    rows = [f"| {what} | {seconds:.0f} s |" for what, seconds in bounds.items()]
    return "\n".join(["| What | Longest |", "|---|---|", *rows])


def _recovery(result: DrillResult) -> float:
    return sum(each.ended - each.began for each in result.phases if each.what == RECOVERY)
