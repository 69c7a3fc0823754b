"""What `make bench` measures: figures with what is required of them, and their table. Pure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from automation.checks.results import Data
from automation.errors import AutomationError


class Figure(Data):
    """A ratio, or a count.

    Attributes:
        what: what it is.
        value: the median of the rounds, if it was measured in rounds.
        low: the lower end of its 95 % confidence interval; None if it has none.
        high: the upper end.
        at_least: the least that is required; None for no limit.
        at_most: the most.
    """

    what: str
    value: float
    low: float | None = None
    high: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether it is as required."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """What it is, its value, its interval and what is required."""
        interval = (
            "" if self.low is None or self.high is None else f"{self.low:.2f} to {self.high:.2f}"
        )
        limits = [
            *([] if self.at_least is None else [f"at least {self.at_least:g}"]),
            *([] if self.at_most is None else [f"at most {self.at_most:g}"]),
        ]
        return self.what, f"{self.value:.3g}", interval, " and ".join(limits)


class Figures(Data):
    """All figures of a run.

    Attributes:
        date: when it began.
        cores: the machine's processors.
    """

    date: str
    cores: int
    figures: Sequence[Figure]


_FIGURES: Final = TypeAdapter(Figures)


class BenchError(AutomationError):
    """Nothing could be measured; the message says why."""


def figures_table(figures: Figures) -> str:
    """Return the table of a run, in Markdown."""
    lines = [
        f"On {figures.cores} processors, on {figures.date}:",
        "",
        "| Ratio or count | Value | 95 % interval | Required |",
        "|---|---|---|---|",
        *(f"| {' | '.join(figure.cells)} |" for figure in figures.figures),
    ]
    return "\n".join(lines)


def read_figures(path: Path) -> Figures:
    """Read a run's figures."""
    return _FIGURES.validate_json(path.read_bytes())
