"""One command at a time on a stand-in."""

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


def test_a_turn_inside_a_turn_is_the_same(home: Home) -> None:
    with turn(home, pytest.fail), turn(home, pytest.fail):
        pass
    with turn(home, pytest.fail):
        pass


@pytest.mark.program
def test_the_second_waits_and_says_for_whom(home: Home) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", _WORKS, str(home.directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdin is not None
    assert first.stdout is not None
    assert first.stdout.readline() == "at work\n"
    notes: list[str] = []

    def note(line: str) -> None:
        notes.append(line)
        # Only now does the first one end.
        first.communicate(timeout=_LIMIT)

    with turn(home, note):
        pass
    (said,) = notes
    assert said.startswith("Waiting for `")
    assert f"process {first.pid}, running since " in said
    assert first.returncode == 0


@pytest.mark.program
def test_a_killed_command_keeps_nobody_waiting(home: Home) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", _WORKS, str(home.directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "at work\n"
    first.kill()
    first.communicate(timeout=_LIMIT)
    with turn(home, pytest.fail):
        pass
