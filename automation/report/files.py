"""Keeps reports in files, and reads them again."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from automation.checks.results import Report
from automation.drills.results import DrillReport
from automation.errors import AutomationError
from automation.report.junit import junit
from automation.report.page import page

REPORTS = Path("reports")
"""Where reports are kept by default: each stack's in a folder of its name."""
DRILL_REPORTS = REPORTS / "drills"
"""Where the reports of drills are kept, in the same way."""
_REPORT: Final = TypeAdapter[Report | DrillReport](
    Annotated[Report | DrillReport, Field(discriminator="kind")]
)


class ReportError(AutomationError):
    """There is no report, or it can't be read; the message has the command that makes one."""


def save(report: Report | DrillReport, folder: Path) -> None:
    """Write a report in all its forms.

    Args:
        report: the report, its secrets blanked.
        folder: the folder of all stacks' reports.
    """
    _folder(report.stack, folder).mkdir(parents=True, exist_ok=True)
    _write(_document(report.stack, folder), report.model_dump_json(indent=2))
    _write(_folder(report.stack, folder) / "junit.xml", junit(report))
    _write(page_of(report.stack, folder), page(report))


def load(stack: str, folder: Path) -> Report | DrillReport:
    """Read a stack's last report.

    Args:
        stack: the stack's name.
        folder: the folder of all stacks' reports.

    Returns:
        The report.

    Raises:
        ReportError: there is none, or it is of another version.
    """
    path = _document(stack, folder)
    command = "drill all" if folder.name == DRILL_REPORTS.name else "check"
    remedy = f"Run: python -m automation {command} --stack {stack}"
    try:
        return _REPORT.validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ReportError(
            f"There is no report of the stack {stack} in {folder}. {remedy}"
        ) from None
    except ValidationError:
        raise ReportError(f"{path} is no report that this version can read. {remedy}") from None


def page_of(stack: str, folder: Path) -> Path:
    """Name the page of a stack's report.

    Args:
        stack: the stack's name.
        folder: the folder of all stacks' reports.

    Returns:
        The file.
    """
    return _folder(stack, folder) / "report.html"


def _document(stack: str, folder: Path) -> Path:
    return _folder(stack, folder) / "report.json"


def _folder(stack: str, folder: Path) -> Path:
    return folder / stack


def _write(path: Path, text: str) -> None:
    # Whole or not at all, so that an interrupted run leaves the report before it.
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
