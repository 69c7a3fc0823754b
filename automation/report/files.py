"""Saves reports to files, and loads them again."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from automation.checks.results import Report
from automation.drills.results import DrillReport
from automation.errors import AutomationError
from automation.load.results import LoadReport
from automation.report.junit import junit
from automation.report.page import page

REPORTS = Path("reports")
"""The default folder of check reports; each stack's report is in a folder named after it."""
DRILL_REPORTS = REPORTS / "drills"
"""The default folder of drill reports."""
CHAOS_REPORTS = REPORTS / "chaos"
"""The default folder of reports on writes during faults."""
LOAD_REPORTS = REPORTS / "load"
"""The default folder of reports on load."""
SavedReport = Report | DrillReport | LoadReport
"""Every kind of report."""
_REPORT: Final = TypeAdapter[SavedReport](Annotated[SavedReport, Field(discriminator="kind")])
_COMMANDS: Final = {
    DRILL_REPORTS.name: "drill all",
    CHAOS_REPORTS.name: "chaos",
    LOAD_REPORTS.name: "load --rate 10",
}
"""The commands that create reports, by the name of their folder."""


class ReportError(AutomationError):
    """A report is missing or unreadable; the message has the command that creates one."""


def save(report: SavedReport, folder: Path) -> None:
    """Save a report as JSON and HTML page, and verdicts as JUnit XML too.

    Args:
        report: the report, without secrets.
        folder: the folder of all stacks' reports.
    """
    (folder / report.stack).mkdir(parents=True, exist_ok=True)
    write_atomically(_json_path(report.stack, folder), report.model_dump_json(indent=2))
    if not isinstance(report, LoadReport):
        write_atomically(folder / report.stack / "junit.xml", junit(report))
    write_atomically(page_path(report.stack, folder), page(report))


def load(stack: str, folder: Path) -> SavedReport:
    """Load a stack's last report.

    Args:
        stack: the stack's name.
        folder: the folder of all stacks' reports.

    Raises:
        ReportError: there is none, or it was written by another version.
    """
    path = _json_path(stack, folder)
    command = _COMMANDS.get(folder.name, "check")
    remedy = f"Run: python -m automation {command} --stack {stack}"
    try:
        return _REPORT.validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ReportError(f"{folder} has no report on the stack {stack}. {remedy}") from None
    except ValidationError:
        raise ReportError(f"{path} can't be read by this version. {remedy}") from None


def page_path(stack: str, folder: Path) -> Path:
    """Return the path of the HTML page of a stack's report."""
    return folder / stack / "report.html"


def _json_path(stack: str, folder: Path) -> Path:
    return folder / stack / "report.json"


def write_atomically(path: Path, text: str) -> None:
    """Write a file at once: an interrupted run leaves the previous one as it was."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
