"""The runbook has a section for every alarm, and no other."""

from collections.abc import Iterator
from typing import Any

import pytest

from components.monitoring.alarm import CALLERS_AFFECTED, Alarm
from components.monitoring.alarms import stack_alarms
from tests.components.parsing import parse
from tests.runbook_page import PARTS, RunbookPage

_SETTINGS: dict[str, Any] = {
    "neo4jUri": "neo4j+s://0123abcd.databases.neo4j.io",
    "clients": {"agent": {"scopes": ["reader"]}},
    "monitoring": {"enabled": True},
    "edge": True,
}
_PAGE = RunbookPage.read()


def alarms() -> Iterator[Alarm]:
    """Return the alarms of all hosts, some of them several times."""
    for hosting in ("apprunner", "fargate", "lambda"):
        yield from stack_alarms(parse({**_SETTINGS, "hosting": hosting}), "neo4j-mcp-dev")


# Alarms of several clients share a section.
_BY_ANCHOR = {each.runbook.partition("#")[2]: each for each in alarms()}


def test_every_alarm_has_a_section_and_every_section_an_alarm() -> None:
    assert set(_PAGE.sections) == {CALLERS_AFFECTED, *_BY_ANCHOR}


@pytest.mark.parametrize("anchor", _BY_ANCHOR)
def test_a_section_begins_with_its_alarms_title_and_severity(anchor: str) -> None:
    alarm = _BY_ANCHOR[anchor]
    assert _PAGE.sections[anchor].startswith(f"\n\n{alarm.title} ({alarm.severity}).\n")


def test_every_section_has_the_same_parts() -> None:
    for key in _PAGE.sections:
        assert tuple(_PAGE.parts(key)) == PARTS, key
