"""`python -m automation size` measures a stack, and sizes hosts with what it measured."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from automation.size.calibration import Ladder, read_calibration
from components.settings import Hosting
from tests.repository import ROOT

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_LONGEST = 900.0


def test_a_stack_is_measured_and_its_measurements_size_every_host(
    pipeline: dict[str, str], outputs: dict[str, Any], tmp_path: Path
) -> None:
    assert outputs["mcpUrl"]
    path = tmp_path / "measured.json"

    def size(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "automation", "size", *arguments],
            cwd=ROOT,
            env=pipeline,
            check=False,
            capture_output=True,
            text=True,
            timeout=_LONGEST,
        )

    measuring = ("--calibrate", "--stack", "local", "--rounds", "1")
    measured = size(*measuring, "--yes", "--save", str(path), "--machine", "a test")

    assert measured.returncode == 0, measured.stdout + measured.stderr
    assert "11 runs with up to 32 callers at the same time" in measured.stderr
    assert "Predicted from all measurements" in measured.stdout
    found = read_calibration(path)
    assert [each.callers for each in found.levels if each.callers] == list(Ladder.callers)
    rates = [each.rate for each in found.levels if each.rate]
    assert rates == sorted(rates)
    assert len(rates) == len(Ladder.shares)
    for each in found.levels:
        # Little's law: the callers are those that wait for an answer.
        if each.callers:
            under_way = each.middle.throughput * each.middle.mean
            assert under_way == pytest.approx(each.callers, rel=0.15)
        assert set(each.middle.kinds) == {"read", "write", "schema"}

    sized = size("--calibration", str(path), "--rate", "5", "--json")

    assert sized.returncode == 0, sized.stderr
    hosts = json.loads(sized.stdout)["hosts"]
    assert {each["hosting"] for each in hosts} == set(Hosting)
    assert json.loads(sized.stdout)["measured"]["machine"] == "a test"


def test_nothing_is_measured_without_consent(
    pipeline: dict[str, str], outputs: dict[str, Any], tmp_path: Path
) -> None:
    assert outputs["mcpUrl"]
    path = tmp_path / "measured.json"

    done = subprocess.run(
        [
            *(sys.executable, "-m", "automation", "size", "--calibrate", "--stack", "local"),
            *("--save", str(path)),
        ],
        cwd=ROOT,
        env=pipeline,
        check=False,
        input="n\n",
        capture_output=True,
        text=True,
        timeout=_LONGEST,
    )

    assert done.returncode == 1
    assert "USD" in done.stderr
    assert not path.exists()
