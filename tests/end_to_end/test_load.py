"""Load on a deployed stack, compared with what is behind it and like it."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from automation.load.results import LoadReport
from tests.repository import ROOT

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_TIMEOUT = 300
_TARGETS = ("container", "bolt", "peer", "statements", "database")
_READS = "calls: [{name: read, tool: read-cypher, query: RETURN 1 AS one}]"


def _command(folder: Path, *options: str) -> list[str]:
    load = [sys.executable, "-m", "automation", "load", "--stack", "local"]
    return [*load, "--reports", str(folder), *options]


def _report(folder: Path) -> LoadReport:
    return LoadReport.model_validate_json((folder / "local" / "report.json").read_bytes())


def test_every_target_is_called_in_turn_and_the_parts_are_measured(
    pipeline: dict[str, str], outputs: dict[str, Any], tmp_path: Path
) -> None:
    assert outputs
    options = ["--concurrency", "2", "--duration", "12", "--warm-up", "1", "--rounds", "3"]
    done = subprocess.run(
        _command(tmp_path, *options, "--compare", ",".join(_TARGETS)),
        cwd=ROOT,
        env=pipeline,
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    found = _report(tmp_path)
    assert found.skipped == {}
    assert [run.target for run in found.runs] == ["host", *_TARGETS]
    for run in found.runs:
        assert run.total.failures == {}, run.examples
        assert run.total.succeeded > 0
        # The default mix has three kinds, all of which every target can answer.
        assert {kind.name for kind in run.kinds} == {"read", "write", "schema"}
    assert len(found.ratios) == 15 * 3
    assert found.attribution is not None
    assert len(found.attribution.hops) == 4
    # On a busy machine, a target may answer no call in a round, which then doesn't count.
    assert 1 <= found.attribution.rounds <= 3
    assert "Where half of the calls spend their time" in done.stdout


def test_an_interrupted_run_of_two_clients_reports_what_it_measured(
    pipeline: dict[str, str], outputs: dict[str, Any], tmp_path: Path
) -> None:
    assert outputs
    mix = tmp_path / "mix.yaml"
    mix.write_text(_READS, encoding="utf-8")
    options = ["--rate", "20", "--duration", "600", "--warm-up", "0", "--mix", str(mix)]
    clients = ["--client", "reader", "--client", "writer"]
    with subprocess.Popen(
        _command(tmp_path, *options, *clients),
        cwd=ROOT,
        env=pipeline,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as load:
        assert load.stderr is not None
        try:
            said = []
            for line in load.stderr:
                said.append(line)
                if " of 600 s: " in line:
                    break
            load.send_signal(signal.SIGINT)
            rest = load.communicate(timeout=_TIMEOUT)[1]
        finally:
            load.kill()
    assert load.returncode == 128 + signal.SIGINT, said
    assert "the report has what was measured until then" in rest
    found = _report(tmp_path)
    assert (found.interrupted, found.client) == (True, "reader, writer")
    (run,) = found.runs
    assert run.total.failures == {}
    assert run.total.succeeded >= 150
    assert [each.name for each in run.clients] == ["reader", "writer"]
    assert sum(each.calls for each in run.clients) == run.total.calls
    (phase,) = run.plan
    assert 9 < phase.seconds < 600
    assert run.total.rate == pytest.approx(20, rel=0.1)
