"""Every procedure of docs/procedures.md has all parts, and a rehearsal that runs its commands."""

import subprocess

import pytest

from tests.end_to_end.procedures.page import PAGE, PARTS, read_page
from tests.end_to_end.procedures.rehearsals import PROCEDURES
from tests.repository import ROOT
from tests.runbook_page import commands_in

_PAGE = read_page()
_TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_every_procedure_is_rehearsed_and_every_rehearsal_has_a_procedure() -> None:
    assert sorted(each.key for each in PROCEDURES) == sorted(_PAGE.sections)


@pytest.mark.parametrize("key", _PAGE.sections)
def test_a_procedure_has_all_parts_and_commands_for_its_steps(key: str) -> None:
    assert tuple(_PAGE.parts(key)) == PARTS
    assert _PAGE.blocks(key, "Steps")
    assert _PAGE.blocks(key, "Verify")


def test_every_block_belongs_to_a_part_of_a_procedure_or_to_the_introduction() -> None:
    in_parts = sum(len(_PAGE.blocks(key, part)) for key in _PAGE.sections for part in PARTS)
    assert _TEXT.count("```") == 2 * (in_parts + 1)
    assert commands_in(_PAGE.introduction)


def test_every_procedure_is_in_the_table() -> None:
    missing = [key for key in _PAGE.sections if f"](#{key})" not in _PAGE.introduction]
    assert missing == []


@pytest.mark.program
def test_every_block_is_valid_for_a_shell_and_has_no_comment() -> None:
    """An interactive zsh would run a comment."""
    script = commands_in(_TEXT)
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "#" not in script
