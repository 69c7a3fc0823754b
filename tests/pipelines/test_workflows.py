"""The GitHub workflows: are they valid, and do they keep the rules that GitHub doesn't check?"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_group

from automation.commands import app
from localcloud import toolchains
from localcloud.engine import cli
from localcloud.progress import Progress
from tests.repository import ROOT

_WORKFLOWS = ROOT / ".github" / "workflows"
_SETUP = ROOT / ".github" / "actions" / "setup" / "action.yml"
_FILES = sorted([*_WORKFLOWS.glob("*.yml"), _SETUP])
_MODULE = Path(__file__).parent / "actionlint"
_BUILD_TIMEOUT = 300
_PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def _steps() -> Iterator[dict[str, Any]]:
    for path in _FILES:
        content = _load(path)
        jobs = content["jobs"].values() if "jobs" in content else [content["runs"]]
        for job in jobs:
            yield from job.get("steps", [])


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the linter from its pinned module."""
    command = tmp_path_factory.mktemp("actionlint") / "actionlint"
    subprocess.run(
        [
            toolchains.ensure_go(Progress()),
            "-C",
            _MODULE,
            "build",
            "-mod=readonly",
            "-buildvcs=false",
            "-o",
            command,
            "github.com/rhysd/actionlint/cmd/actionlint",
        ],
        check=True,
        timeout=_BUILD_TIMEOUT,
    )
    return command


def _lint(actionlint: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        # Switched off, because they may or may not be installed.
        [actionlint, "-shellcheck=", "-pyflakes=", *files],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.stand_in
def test_the_workflows_are_valid(actionlint: Path) -> None:
    done = _lint(actionlint, *_WORKFLOWS.glob("*.yml"))
    assert done.returncode == 0, done.stdout


@pytest.mark.stand_in
def test_the_linter_finds_an_error(actionlint: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    text = (_WORKFLOWS / "pull-request.yml").read_text(encoding="utf-8")
    broken.write_text(text.replace("github.event.pull_request", "github.evnt", 1), "utf-8")
    done = _lint(actionlint, broken)
    assert done.returncode == 1
    assert "evnt" in done.stdout


def test_actions_are_pinned_to_commits() -> None:
    used = [step["uses"] for step in _steps() if "uses" in step]
    assert used
    for action in used:
        assert action.startswith("./") or _PINNED.fullmatch(action), action


def test_the_pulumi_version_is_the_tested_one() -> None:
    (version,) = [
        step["with"]["pulumi-version"]
        for step in _steps()
        if step.get("uses", "").startswith("pulumi/")
    ]
    pinned = cli.required_version(cli.ENGINE_MODULE, "github.com/pulumi/pulumi/pkg/v3")
    assert f"v{version}" == pinned


@pytest.mark.parametrize("path", sorted(_WORKFLOWS.glob("*.yml")), ids=lambda path: path.stem)
def test_workflows_can_only_read_unless_a_job_has_more_permissions(path: Path) -> None:
    content = _load(path)
    allowed = {"contents": "read"}
    if path.stem == "stack":  # the workflows that call it grant the same
        allowed |= {"id-token": "write"}
    assert content["permissions"] == allowed


def test_no_aws_key_is_stored() -> None:
    for path in _FILES:
        text = path.read_text(encoding="utf-8")
        assert "aws-access-key-id" not in text
        assert set(re.findall(r"secrets\.(\w+)", text)) <= {"PULUMI_ACCESS_TOKEN"}


def test_no_expression_is_expanded_in_a_shell_command() -> None:
    for step in _steps():
        assert "${{" not in step.get("run", ""), step["run"]


def test_the_commands_and_their_options_exist() -> None:
    commands = [
        line.strip().partition(" 2>")[0]
        for step in _steps()
        for line in step.get("run", "").splitlines()
        if "-m automation" in line
    ]
    assert commands
    offered = {
        name: {option for parameter in each.params for option in parameter.opts}
        for name, each in get_group(app).commands.items()
    }
    for command in commands:
        _, _, _, name, *arguments = shlex.split(command)
        assert {each for each in arguments if each.startswith("--")} <= offered[name], command
