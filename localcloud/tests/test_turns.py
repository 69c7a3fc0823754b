"""Commands take turns on a stand-in."""

import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.paths import Home
from localcloud.turns import turn
from tests.repository import ROOT

_LIMIT = 30
_WORKS = """
import sys
from pathlib import Path
from localcloud.paths import Home
from localcloud.turns import turn
with turn(Home(Path(sys.argv[1])), print):
    print("at work", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path / "cache"))
    return Home(tmp_path / "home")


def test_a_nested_turn_does_not_wait(home: Home) -> None:
    with turn(home, pytest.fail), turn(home, pytest.fail):
        pass
    with turn(home, pytest.fail):
        pass


@pytest.mark.program
def test_the_second_command_waits_and_names_the_first(home: Home) -> None:
    first = _start_working(home)
    notes: list[str] = []

    def note(line: str) -> None:
        notes.append(line)
        # The first command ends only now.
        first.communicate(timeout=_LIMIT)

    with turn(home, note):
        pass
    (line,) = notes
    assert line.startswith("Waiting for `")
    assert f"process {first.pid}, running since " in line
    assert first.returncode == 0


@pytest.mark.program
def test_a_killed_command_does_not_block_others(home: Home) -> None:
    first = _start_working(home)
    first.kill()
    first.communicate(timeout=_LIMIT)
    with turn(home, pytest.fail):
        pass


def _start_working(home: Home) -> subprocess.Popen[str]:
    """Start a command that has its turn until its input closes."""
    command = subprocess.Popen(
        [sys.executable, "-c", _WORKS, str(home.directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    assert command.stdout.readline() == "at work\n"
    return command
