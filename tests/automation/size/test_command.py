"""The command line of `python -m automation size`, as far as it needs no stack."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from automation.commands import app


def _size(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["size", *arguments], env={"COLUMNS": "200"})


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        ((), "--rate, --validate or --calibrate"),
        (("--validate", "--json"), "needs --rate"),
        (("--rate", "0"), "rate"),
        (("--rate", "nan"), "rate"),
        (("--rate", "5", "--p95", "250"), "250 isn't a duration"),
        (("--rate", "5", "--p95", "0ms"), "0ms isn't a duration"),
        (("--rate", "5", "--p50", "-1s"), "isn't a duration"),
        (("--rate", "5", "--host", "ecs"), "ecs"),
        (("--rate", "5", "--utilization", "100"), "utilization"),
        (("--calibrate",), "--stack"),
    ],
)
def test_wrong_options_are_refused(arguments: tuple[str, ...], reported: str) -> None:
    done = _size(*arguments)

    assert done.exit_code == 2
    assert reported in done.output


def test_every_host_is_printed_with_its_commands() -> None:
    done = _size("--rate", "5", "--p95", "1.5s", "--stack", "prod")

    assert done.exit_code == 0, done.output
    assert "5 calls per second, p95 up to 1.5 s" in done.output
    for hosting in ("apprunner", "fargate", "lambda"):
        command = f"pulumi config set --stack prod neo4j-mcp:hosting {hosting}"
        assert command in done.output
    assert "pulumi config set --stack prod neo4j-mcp:minInstances 1" in done.output
    assert "the stand-in cloud" in done.output
    assert "prices of 2" in done.output
    assert "docs/moving-hosts.md" in done.output


def test_a_goal_that_no_host_reaches_is_no_success() -> None:
    done = _size("--rate", "5", "--p95", "1ms")

    assert done.exit_code == 1
    assert "More instances don't help" in done.output
    assert "pulumi config set" not in done.output


def test_json_has_the_same_in_seconds_and_dollars() -> None:
    done = _size("--rate", "5", "--p95", "1s", "--host", "lambda", "--json")

    (host,) = json.loads(done.stdout)["hosts"]
    assert host["hosting"] == "lambda"
    assert 0 < host["p50"] < host["p95"] < 1
    assert host["settings"]["maxInstances"] > 0
    assert host["usdAMonth"] > 0


def test_another_mix_changes_the_latency(tmp_path: Path) -> None:
    mix = tmp_path / "mix.yaml"
    calls = [{"name": "schema", "tool": "get-schema"}]
    mix.write_text(yaml.safe_dump({"calls": calls}))

    default, other = (
        json.loads(_size("--rate", "5", "--host", "fargate", "--json", *more).stdout)["hosts"][0]
        for more in ((), ("--mix", str(mix)))
    )

    assert other["mean"] != default["mean"]


def test_too_many_calls_for_what_was_measured_are_marked() -> None:
    assert "assumed, not shown" in _size("--rate", "2000", "--p95", "1s").output
    assert "assumed, not shown" not in _size("--rate", "5", "--p95", "1s").output
