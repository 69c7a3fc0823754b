"""The page on parity names tests and checks that exist, and other pages link to it."""

import ast
import re

import pytest

from automation.checks import CHECKS
from automation.probes.registry import PROBES
from docs.tables import REPOSITORY

PARITY = REPOSITORY / "docs" / "parity.md"
_TEST = re.compile(r"`((?:client/|localcloud/)?tests/[\w/]+\.py)::(\w+)`")
_CHECK = re.compile(r"`(P\d-[a-z-]+)`")


def _rows(heading: str) -> list[list[str]]:
    text = PARITY.read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n### ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


@pytest.mark.parametrize("row", _rows("Equal"), ids=lambda row: row[0])
def test_every_equal_behaviour_names_an_existing_test(row: list[str]) -> None:
    *_, cell, _evidence = row
    assert len(row) == 5
    named = _TEST.fullmatch(cell)
    assert named, cell
    module = ast.parse((REPOSITORY / named[1]).read_text(encoding="utf-8"))
    functions = {
        node.name
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert named[2] in functions


@pytest.mark.parametrize("row", _rows("Different"), ids=lambda row: row[0])
def test_every_difference_fills_all_columns(row: list[str]) -> None:
    assert len(row) == 5
    assert all(row)


def test_every_behavior_is_listed_once() -> None:
    behaviors = [row[0] for heading in ("Equal", "Different") for row in _rows(heading)]
    assert sorted(behaviors) == sorted(set(behaviors))


def test_every_probe_answers_rows_that_exist() -> None:
    equal, different = ({row[0] for row in _rows(each)} for each in ("Equal", "Different"))
    for probe in PROBES.values():
        assert probe.rows, probe.key
        assert set(probe.rows) <= equal | different, probe.key
        # A difference that is known has to be where readers look for it.
        assert not probe.differs or set(probe.rows) & different, probe.key


def test_named_checks_exist() -> None:
    named = set(_CHECK.findall(PARITY.read_text(encoding="utf-8")))
    assert named
    assert named <= set(CHECKS)


@pytest.mark.parametrize(
    ("page", "link"), [("README.md", "docs/parity.md"), ("docs/architecture.md", "parity.md")]
)
def test_other_pages_link_to_it(page: str, link: str) -> None:
    assert f"]({link}" in (REPOSITORY / page).read_text(encoding="utf-8")
