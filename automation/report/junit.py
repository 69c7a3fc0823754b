"""Writes reports as JUnit XML, which CI systems show as test results."""

import re
from typing import Final
from xml.etree import ElementTree as ET

from automation.checks.results import PHASES, AnyReport, Outcome, Result

# XML 1.0 allows no other characters (section 2.2, Char).
_NOT_XML: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def junit(report: AnyReport) -> str:
    """Write a report as JUnit XML, with a test suite per phase and a test case per result."""
    root = ET.Element("testsuites", _totals(report.results) | {"name": f"stack {report.stack}"})
    for phase, title in PHASES.items():
        results = [result for result in report.results if result.phase == phase]
        if not results:
            continue
        attributes = {"name": f"{phase} {title}", "timestamp": report.started.isoformat()}
        suite = ET.SubElement(root, "testsuite", attributes | _totals(results))
        for result in results:
            _add_case(suite, result)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode", xml_declaration=True)
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text) + "\n"


def _add_case(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {"classname": result.id, "name": result.sentence, "time": f"{result.seconds:.3f}"},
    )
    evidence = "\n\n".join(f"{each.request}\n→ {each.response}" for each in result.evidence)
    if result.outcome is Outcome.FAILED:
        failure = ET.SubElement(case, "failure", {"message": result.reason})
        failure.text = evidence
    elif result.outcome is Outcome.UNDECIDED:
        undecided = ET.SubElement(case, "error", {"message": result.reason})
        undecided.text = evidence
    elif result.outcome is Outcome.SKIPPED:
        ET.SubElement(case, "skipped", {"message": result.reason})


def _totals(results: tuple[Result, ...] | list[Result]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(result.outcome is Outcome.FAILED for result in results)),
        "errors": str(sum(result.outcome is Outcome.UNDECIDED for result in results)),
        "skipped": str(sum(result.outcome is Outcome.SKIPPED for result in results)),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }
