"""Probes by the command line, in the account of a deployed stack."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from automation.commands import app
from automation.deployment import Deployment
from automation.probes.kinds import find_leftovers
from automation.probes.recordings import STAND_IN, Recording
from automation.probes.registry import PROBES
from components.settings import Hosting
from localcloud.cloud import Cloud
from localcloud.workspace import STACK
from tests.end_to_end.hosted import hosted
from tests.repository import ROOT
from tests.stand_in import Aws
from tests.waiting import wait_until

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_TIMEOUT = 120


def _reading(host: str) -> list[str]:
    """Return the keys of the probes that read a stack on a host."""
    return [each.key for each in PROBES.values() if each.needs and host in each.needs.words]


def _probe(environment: dict[str, str], *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["probe", "--stack", STACK, "--yes", *options], env=environment)
    return done.exit_code, done.stdout


@pytest.mark.usefixtures("outputs")
def test_probes_of_the_stack_and_of_their_own_resources(
    pipeline: dict[str, str], tmp_path: Path, aws: Aws
) -> None:
    chosen = [*_reading("App Runner"), "secret-version-put-twice", "token-any-client-secret"]
    options = [part for key in chosen for part in ("--only", key)]
    status, output = _probe(pipeline, "--disruptive", "--json", "--output", str(tmp_path), *options)
    results: list[dict[str, Any]] = json.loads(output)
    assert {each["probe"]: each["outcome"] for each in results} == dict.fromkeys(chosen, "passed")
    assert status == 0
    for key in chosen:
        path = tmp_path / f"{key}.json"
        recording = Recording.parse(path.read_text(encoding="utf-8"), path)
        # It isn't AWS, whatever its answers look like.
        assert recording.source == STAND_IN
        assert "000000000000" not in recording.text()
    listed = aws("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
    assert not [each for each in listed if each["Name"].startswith("neo4j-mcp-probe-")]


def test_probes_of_the_load_balancer(
    pipeline: dict[str, str],
    tmp_path: Path,
    running: Cloud,
    deployed: Deployment,
    outputs: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert outputs
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    chosen = [*_reading("Fargate"), "apprunner-other-host-name"]
    options = [part for key in chosen for part in ("--only", key)]
    with hosted(Hosting.FARGATE, running, deployed):
        status, output = _probe(pipeline, "--json", "--output", str(tmp_path), *options)
    results: list[dict[str, Any]] = json.loads(output)
    reasons = {each["probe"]: each["reason"] for each in results if each["outcome"] != "passed"}
    assert reasons == {"apprunner-other-host-name": "the stack's host isn't App Runner"}
    assert status == 0
    [observed] = [each["observation"] for each in results if each["probe"] == "elb-idle-limits"]
    assert observed["body without an end"] == "408 after the idle timeout"


@pytest.mark.usefixtures("outputs")
def test_an_interrupted_run_removes_everything_and_keeps_its_recordings(
    pipeline: dict[str, str], tmp_path: Path, aws: Aws
) -> None:
    chosen = ("--only", "secret-first-version", "--only", "lambda-url-idle-limits")
    options = ("--stack", STACK, "--yes", *chosen, "--output", str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-m", "automation", "probe", *options],
        cwd=ROOT,
        env=pipeline,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    with process.stderr as lines:
        assert any("2 of 2: lambda-url-idle-limits" in line for line in lines)
        # Its function is the last resource that it creates.
        wait_until(
            lambda: "function" in {each.kind.title for each in find_leftovers(aws).found},
            "the probe's function",
        )
        process.send_signal(signal.SIGINT)
        said = lines.read()
    assert process.wait(_TIMEOUT) == 128 + signal.SIGINT
    assert f"the recordings so far are in {tmp_path}" in said
    assert "Traceback" not in said
    assert find_leftovers(aws).found == ()
    assert [each.name for each in tmp_path.iterdir()] == ["secret-first-version.json"]


@pytest.mark.usefixtures("outputs")
def test_what_a_killed_run_has_left_is_removed(pipeline: dict[str, str], aws: Aws) -> None:
    aws("sns").create_topic(Name="neo4j-mcp-probe-0011aabb")
    aws("sns").create_topic(Name="neo4j-mcp-other")
    status, output = _probe(pipeline, "--clean")
    assert (status, "topic arn:aws:sns:" in output) == (0, True)
    topics = [each["TopicArn"] for each in aws("sns").list_topics()["Topics"]]
    assert not [each for each in topics if "probe" in each]
    assert [each for each in topics if "neo4j-mcp-other" in each]
    assert _probe(pipeline, "--clean") == (
        0,
        "Nothing of an interrupted run is left in us-east-1.\n",
    )
    aws("sns").delete_topic(TopicArn=next(each for each in topics if "neo4j-mcp-other" in each))


@pytest.mark.usefixtures("edge_world")
def test_probes_of_the_edge(pipeline: dict[str, str], tmp_path: Path) -> None:
    status, output = _probe(
        pipeline, "--json", "--output", str(tmp_path), "--only", "edge-refused-requests"
    )
    [result] = json.loads(output)
    assert (result["outcome"], result["reason"], status) == ("passed", "", 0)
