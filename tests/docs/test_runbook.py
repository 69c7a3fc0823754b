"""The runbook has a section for every alarm, and no other."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from components.monitoring.alarm import CALLERS_AFFECTED, RUNBOOK, Alarm
from components.monitoring.alarms import stack_alarms
from tests.components.parsing import parse
from tests.repository import ROOT

_SETTINGS: dict[str, Any] = {
    "neo4jUri": "neo4j+s://0123abcd.databases.neo4j.io",
    "clients": {"agent": {"scopes": ["reader"]}},
    "monitoring": {"enabled": True},
    "edge": True,
}
_PARTS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Over")


def alarms() -> Iterator[Alarm]:
    """Return the alarms of all hosts, some of them several times."""
    for hosting in ("apprunner", "fargate", "lambda"):
        yield from stack_alarms(parse({**_SETTINGS, "hosting": hosting}), "neo4j-mcp-dev")


# Alarms of several clients share a section.
_BY_ANCHOR = {each.runbook.partition("#")[2]: each for each in alarms()}


def sections() -> dict[str, str]:
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8")
    found = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def test_every_alarm_has_a_section_and_every_section_an_alarm() -> None:
    assert set(sections()) == {CALLERS_AFFECTED, *_BY_ANCHOR}


@pytest.mark.parametrize("anchor", _BY_ANCHOR)
def test_a_section_begins_with_its_alarms_title_and_severity(anchor: str) -> None:
    alarm = _BY_ANCHOR[anchor]
    assert sections()[anchor].startswith(f"\n\n{alarm.title} ({alarm.severity}).\n")


def test_every_section_has_the_same_parts() -> None:
    for key, section in sections().items():
        assert tuple(re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE)) == _PARTS, key
