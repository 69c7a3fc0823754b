"""What docs/parity.md shows for each row: where the knowledge about AWS is from. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from automation.probes.probe import Probe
from automation.probes.recordings import Recording

TITLE: Final = "Evidence"
_UNCONFIRMED: Final = "[?]"
_MARKS: Final = {
    "[doc]": "documents",
    "[model]": "documents",
    "[report]": "reports",
    "[source]": "source",
}
_COLUMNS: Final = 4
"""Without the evidence."""


@dataclass(frozen=True, kw_only=True)
class ProbesByRow:
    """The probes that answer each row of docs/parity.md.

    Attributes:
        probes: the probes by row.
        recorded: what was recorded on AWS, by the probes' keys.
    """

    probes: Mapping[str, Sequence[Probe]]
    recorded: Mapping[str, Recording]

    @classmethod
    def of(cls, probes: Iterable[Probe], recorded: Mapping[str, Recording]) -> "ProbesByRow":
        """Sort probes by row."""
        by_row: dict[str, list[Probe]] = {}
        for probe in probes:
            for row in probe.rows:
                by_row.setdefault(row, []).append(probe)
        return cls(probes=by_row, recorded=recorded)


def evidence(cells: Sequence[str], known: ProbesByRow) -> str:
    """Return where a row's knowledge about AWS is from, with the probes that can confirm it.

    Args:
        cells: the row's cells, as Markdown.
    """
    probes = known.probes.get(cells[0], ())
    dates = [known.recorded[each.key].recorded_at for each in probes if each.key in known.recorded]
    keys = ", ".join(f"`{each.key}`" for each in probes)
    basis = f"recorded on AWS, {min(dates).isoformat()}" if dates else _basis(cells[1])
    return f"{basis}: {keys}" if keys else basis


def _basis(aws: str) -> str:
    found = dict.fromkeys(kind for mark, kind in _MARKS.items() if mark in aws)
    if _UNCONFIRMED in aws:
        return ", ".join([*found, "partly open"]) if found else "open"
    return ", ".join(found) or "this repository"


def with_evidence(table: str, known: ProbesByRow) -> str:
    """Return a table of docs/parity.md with the evidence of each row as its last column.

    Args:
        table: as Markdown, with or without that column.
    """
    lines = []
    for number, line in enumerate(each for each in table.splitlines() if each.startswith("|")):
        cells = _cells(line)[:_COLUMNS]
        if number == 0:
            cells.append(TITLE)
        elif number == 1:
            lines.append("|---" * (_COLUMNS + 1) + "|")
            continue
        else:
            cells.append(evidence(cells, known))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def rows(table: str) -> list[list[str]]:
    """Return the cells of a table's rows, without its head.

    Args:
        table: as Markdown.
    """
    return [_cells(line) for line in table.splitlines() if line.startswith("|")][2:]


def _cells(line: str) -> list[str]:
    return [each.strip() for each in line.strip().strip("|").split(" | ")]
