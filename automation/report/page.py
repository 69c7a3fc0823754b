"""The report as one self-contained page, to be read, attached and printed."""

from typing import Any, Final

import jinja2

from automation.checks.results import PHASES, Outcome, Report
from automation.report.diagram import diagram

_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("automation.report", "."),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(report: Report) -> str:
    """Write the page; it needs no network and no other file.

    Args:
        report: the report, its secrets blanked.

    Returns:
        The document, HTML with its style, script and diagram in it.
    """
    phases: list[dict[str, Any]] = [
        {
            "id": phase,
            "title": title,
            "results": [result for result in report.results if result.phase == phase],
        }
        for phase, title in PHASES.items()
    ]
    return _ENVIRONMENT.get_template("page.html.jinja").render(
        report=report,
        phases=[phase for phase in phases if phase["results"]],
        counts={outcome.value: report.count(outcome) for outcome in Outcome},
        diagram=diagram(report),
    )
