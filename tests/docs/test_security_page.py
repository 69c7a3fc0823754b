"""What docs/security.md names exists, and every part has a row for every property."""

import re

import pytest
import typer.main

from automation.checks import CHECKS
from automation.commands import app
from automation.drills import DRILLS
from tests.repository import ROOT
from tests.runbook_page import RunbookPage

_PAGE = ROOT / "docs" / "security.md"
_TEXT = _PAGE.read_text(encoding="utf-8")
_PARTIES = {
    "A caller",
    "A caller's secret",
    "The claims function",
    "The rotation function",
    "The deploy role",
    "The state",
    "The registry",
    "The wheel",
    "The host",
    "Cognito",
    "Aura's settings",
}
_PROPERTIES = ["Read", "Write", "Identity", "Availability"]
_COLUMNS = ["Property", "What breaks", "Noticed by", "Recover with", "Shown by"]
_CHECK = re.compile(r"P\d-[a-z-]+")
_OPEN = "Open"


def _section(heading: str) -> str:
    _, found, rest = _TEXT.partition(f"\n## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


def _rows(text: str) -> list[list[str]]:
    """Return the cells of a table, without the line under its head."""
    lines = re.findall(r"^\|(.+)\|$", text, re.MULTILINE)
    cells = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    return [row for row in cells if not set("".join(row)) <= set("-|")]


def _parties() -> dict[str, list[list[str]]]:
    parts = _section("When a part is taken over").split("\n### ")[1:]
    return {part.partition("\n")[0]: _rows(part) for part in parts}


_TABLES = _parties()


def test_every_part_that_can_be_taken_over_is_described() -> None:
    assert set(_TABLES) == _PARTIES


@pytest.mark.parametrize("party", sorted(_PARTIES))
def test_a_part_has_a_row_for_every_property_and_no_empty_cell(party: str) -> None:
    head, *rows = _TABLES[party]
    assert head == _COLUMNS
    assert [row[0] for row in rows] == _PROPERTIES
    assert all(len(row) == len(_COLUMNS) and all(row) for row in rows)


@pytest.mark.parametrize("party", sorted(_PARTIES))
def test_a_row_is_shown_by_a_check_a_test_or_a_drill_or_is_open(party: str) -> None:
    for row in _TABLES[party][1:]:
        named = re.findall(r"`([^`]+)`", row[-1])
        assert row[-1] == _OPEN or (named and all(_shows(each) for each in named)), row


def _shows(name: str) -> bool:
    return name in CHECKS or name in DRILLS or (ROOT / name).is_file()


def test_every_check_on_the_page_exists() -> None:
    named = set(_CHECK.findall(_TEXT))
    assert len(named) > 15
    assert named <= set(CHECKS)


def test_every_alarm_on_the_page_is_in_the_runbook() -> None:
    named = set(re.findall(r"\[`([a-z-]+)`\]\(runbook\.md#([a-z-]+)\)", _TEXT))
    assert len(named) > 5
    assert all(key == anchor for key, anchor in named)
    assert {key for key, _ in named} <= set(RunbookPage.read().sections)


def test_every_command_on_the_page_exists() -> None:
    commands = typer.main.get_group(app).commands
    named = set(re.findall(r"python -m automation ([a-z-]+)", _TEXT))
    assert {"audit", "revoke", "deploy"} < named
    assert named <= set(commands)


def test_every_goal_is_shown_by_something() -> None:
    _, *goals = _rows(_section("Goals"))
    for _, shown in goals:
        named = re.findall(r"`([^`]+)`", shown)
        assert named, shown
        assert all(_shows(each) for each in named), shown


def test_every_open_row_has_a_risk() -> None:
    rows = [row for table in _TABLES.values() for row in table[1:] if row[-1] == _OPEN]
    assert rows
    assert len(_rows(_section("Open risks"))) - 1 >= len(rows)
