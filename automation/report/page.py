"""The report as one self-contained page, to be read, attached and printed."""

from typing import Any, Final

import jinja2

from automation.checks.results import PHASES, AnyReport, Outcome, Report
from automation.drills.results import DrillReport
from automation.report.diagram import diagram
from automation.report.timeline import kinds, timeline

_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("automation.report", "."),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(report: Report | DrillReport) -> str:
    """Write the page; it needs no network and no other file.

    Args:
        report: the report, its secrets blanked.

    Returns:
        The document, HTML with its style, script and pictures in it.
    """
    return _drills(report) if isinstance(report, DrillReport) else _checks(report)


def _checks(report: Report) -> str:
    phases: list[dict[str, Any]] = [
        {
            "id": phase,
            "title": title,
            "results": [result for result in report.results if result.phase == phase],
        }
        for phase, title in PHASES.items()
    ]
    return _render(
        "checks",
        report,
        f"Stack {report.stack}",
        phases=[phase for phase in phases if phase["results"]],
        diagram=diagram(report),
    )


def _drills(report: DrillReport) -> str:
    return _render(
        "drills",
        report,
        f"Drills on the stack {report.stack}",
        timeline=timeline,
        kinds=kinds,
        seconds=_seconds,
    )


def _render(template: str, report: AnyReport, heading: str, **values: object) -> str:
    return _ENVIRONMENT.get_template(f"{template}.html.jinja").render(
        report=report,
        heading=heading,
        counts={outcome.value: report.count(outcome) for outcome in Outcome},
        **values,
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
