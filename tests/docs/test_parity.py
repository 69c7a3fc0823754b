"""The page on parity names tests and checks that exist, and other pages link to it."""

import ast
import re

import pytest

from automation.checks import CHECKS
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
    *_, cell = row
    assert len(row) == 4
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
    assert len(row) == 4
    assert all(row)


def test_named_checks_exist() -> None:
    named = set(_CHECK.findall(PARITY.read_text(encoding="utf-8")))
    assert named
    assert named <= set(CHECKS)


@pytest.mark.parametrize(
    ("page", "link"), [("README.md", "docs/parity.md"), ("docs/architecture.md", "parity.md")]
)
def test_other_pages_link_to_it(page: str, link: str) -> None:
    assert f"]({link}" in (REPOSITORY / page).read_text(encoding="utf-8")
