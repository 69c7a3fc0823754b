"""The figures of a run, as docs/resilience.md shows them."""

from pathlib import Path

from automation.chaos.figures import faults_table, measured_table, read_figures, write_figures
from tests.automation.reports import chaos_report


def test_the_figures_are_those_of_the_report(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    write_figures(chaos_report(), path)
    title, _, _, _, row = measured_table(read_figures(path)).splitlines()
    assert title == "284 calls on the stand-in on 2026-11-25, in 2 minutes, with seed 7:"
    assert row == (
        "| `instance-killed` | create again | 284 | 192 | 0 | 4 | 3 | 11"
        " | 16 NetworkError, 76 HTTP 503 | 2.5 s | 7.5 s |"
    )


def test_faults_that_callers_must_not_notice_are_named_so() -> None:
    rows = {line.split("`")[1]: line for line in faults_table().splitlines()[2:]}
    assert "| Nothing |" in rows["service-redeployed"]
    assert "| `DatabaseUnavailableError`, `TimeLimitError` |" in rows["database-away"]
