"""The runbook has a section for every alarm, and no other, with commands that exist."""

import fnmatch
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from automation.checks import CHECKS
from automation.commands import app
from components.monitoring.alarm import CALLERS_AFFECTED, RUNBOOK, Alarm
from components.monitoring.alarms import stack_alarms
from tests.components.parsing import parse
from tests.repository import ROOT
from tests.runbook_page import PARTS, RunbookPage, commands_in

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


def automation_lines() -> list[str]:
    """Return the distinct commands of the automation, each on one line, without what reads them."""
    script = commands_in((ROOT / RUNBOOK).read_text(encoding="utf-8")).replace("\\\n", " ")
    lines = [each for each in script.splitlines() if each.startswith("python -m automation")]
    return sorted({each.partition(" | ")[0] for each in lines})


def test_every_alarm_has_a_section_and_every_section_an_alarm() -> None:
    assert set(_PAGE.sections) == {CALLERS_AFFECTED, *_BY_ANCHOR}


@pytest.mark.parametrize("anchor", _BY_ANCHOR)
def test_a_section_begins_with_its_alarms_title_and_severity(anchor: str) -> None:
    alarm = _BY_ANCHOR[anchor]
    assert _PAGE.sections[anchor].startswith(f"\n\n{alarm.title} ({alarm.severity}).\n")


def test_every_section_has_the_same_parts() -> None:
    for key in _PAGE.sections:
        assert tuple(_PAGE.parts(key)) == PARTS, key


def test_every_section_has_commands_that_find_the_cause_and_show_the_end() -> None:
    for key in _PAGE.sections:
        for part in ("Diagnosis", "Over"):
            assert _PAGE.commands(key, part), f"{part} of {key}"


def test_every_block_is_one_of_commands() -> None:
    """Tests run those, and no block of another kind or in a list."""
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8")
    assert text.count("```") == 2 * text.count("\n```sh\n")


@pytest.mark.program
def test_every_block_is_valid_for_a_shell() -> None:
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8")
    done = subprocess.run(
        ["bash", "-n"], input=commands_in(text), capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_block_has_a_comment() -> None:
    """An interactive zsh would run it."""
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8")
    assert "#" not in commands_in(text)


@pytest.mark.parametrize("line", automation_lines())
def test_every_command_of_the_automation_exists(line: str) -> None:
    name, *arguments = shlex.split(line)[3:]
    group = typer.main.get_group(app)
    command = group.commands[name]
    parameters = command.make_context(name, arguments).params
    for pattern in parameters.get("only") or ():
        assert fnmatch.filter(CHECKS, pattern), f"no check is {pattern}"
