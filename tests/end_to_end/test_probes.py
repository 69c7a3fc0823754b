"""Probes by the command line, in the account of a deployed stack."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from automation.commands import app
from automation.probes.recordings import STAND_IN, Recording
from automation.probes.registry import PROBES
from localcloud.workspace import STACK
from tests.stand_in import Aws

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_STACK_PROBES = [each.key for each in PROBES.values() if each.needs_stack]


def _probe(environment: dict[str, str], *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["probe", "--stack", STACK, "--yes", *options], env=environment)
    return done.exit_code, done.stdout


@pytest.mark.usefixtures("outputs")
def test_probes_of_the_stack_and_of_their_own_resources(
    pipeline: dict[str, str], tmp_path: Path, aws: Aws
) -> None:
    chosen = [*_STACK_PROBES, "secret-version-put-twice", "token-any-client-secret"]
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
