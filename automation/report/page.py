"""Writes reports as self-contained HTML pages, to be read, attached or printed."""

from typing import Any, Final

import jinja2

from automation.checks.results import PHASES, AnyReport, Outcome, Report
from automation.drills.results import DrillReport
from automation.load.printing import (
    METRICS,
    compared_pairs,
    describe,
    format_interval,
    format_ratio,
    format_seconds,
    unclear_parts,
)
from automation.load.results import LoadReport
from automation.report.attribution_bar import attribution_bar, hop_class
from automation.report.diagram import diagram
from automation.report.load_plots import PERCENTILES, kind_classes, load_plots
from automation.report.timeline import failure_classes, timeline

_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("automation.report", "."),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(report: Report | DrillReport | LoadReport) -> str:
    """Write a report as an HTML page that includes its styles, scripts and pictures.

    Args:
        report: the report, without secrets.
    """
    if isinstance(report, LoadReport):
        return _render_load(report)
    if isinstance(report, DrillReport):
        return _render_drills(report)
    return _render_checks(report)


def _render_checks(report: Report) -> str:
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


def _render_drills(report: DrillReport) -> str:
    return _render(
        "drills",
        report,
        report.title,
        timeline=timeline,
        failure_classes=failure_classes,
        duration=_format_duration,
    )


def _render_load(report: LoadReport) -> str:
    return _ENVIRONMENT.get_template("load.html.jinja").render(
        report=report,
        heading=f"Load on the stack {report.stack}",
        describe=describe,
        duration=format_seconds,
        kind_classes=kind_classes,
        percentiles=PERCENTILES,
        plots=load_plots,
        pairs=compared_pairs(report),
        metrics=METRICS,
        ratio=format_ratio,
        interval=format_interval,
        bar=attribution_bar,
        hop_class=hop_class,
        unclear=unclear_parts,
    )


def _render(template: str, report: AnyReport, heading: str, **values: object) -> str:
    return _ENVIRONMENT.get_template(f"{template}.html.jinja").render(
        report=report,
        heading=heading,
        counts={outcome.value: report.count(outcome) for outcome in Outcome},
        **values,
    )


def _format_duration(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
