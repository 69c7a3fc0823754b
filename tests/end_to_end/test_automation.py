"""The commands of `python -m automation`, run as a pipeline runs them on the tests' stand-in."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automation.deployment import Deployment
from automation.policy.changes import violations
from automation.policy.expectations import Expectations
from automation.target import WORKSPACE_VARIABLE, resource_names, stack_settings
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK
from tests.end_to_end.updating import UNHEALTHY, updating_the_service
from tests.repository import ROOT
from tests.stand_in import Aws, Configure

pytestmark = pytest.mark.stand_in

_TIMEOUT = 180


def _automation(
    pipeline: dict[str, str], *arguments: str, answer: str = "", stack: str = STACK
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "automation", *arguments, "--stack", stack],
        cwd=ROOT,
        env=pipeline,
        check=False,
        input=answer,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )


@pytest.mark.usefixtures("outputs")
def test_check_writes_a_report_that_report_shows_again(
    pipeline: dict[str, str], tmp_path: Path
) -> None:
    folder = ("--reports", str(tmp_path))
    checked = _automation(pipeline, "check", "--only", "P1-*", "--only", "P2-keys", *folder)
    assert checked.returncode == 0, checked.stderr
    assert "P1-immutable" in checked.stdout
    again = _automation(pipeline, "report", "--json", *folder)
    document = json.loads(again.stdout)
    assert document["stack"] == STACK
    assert {each["id"].partition("-")[0] for each in document["results"]} == {"P1", "P2"}
    assert {path.name for path in (tmp_path / STACK).iterdir()} == {
        "report.json",
        "report.html",
        "junit.xml",
    }


def test_a_failed_check_exits_with_1_and_a_report_without_secrets(
    pipeline: dict[str, str], outputs: dict[str, Any], aws: Aws, tmp_path: Path
) -> None:
    secrets, arn = aws("secretsmanager"), outputs["clients"]["reader"]["secretArn"]
    known = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])["clientSecret"]
    secrets.tag_resource(SecretId=arn, Tags=[{"Key": "note", "Value": known}])
    try:
        checked = _automation(pipeline, "check", "--only", "P2-*", "--reports", str(tmp_path))
    finally:
        secrets.untag_resource(SecretId=arn, TagKeys=["note"])
    assert checked.returncode == 1
    assert "P2-secret-hidden" in checked.stderr
    assert "1 failed" in checked.stdout
    written = "".join(path.read_text("utf-8") for path in (tmp_path / STACK).iterdir())
    assert "secrets&#39; descriptions and tags" in written
    for text in (written, checked.stdout, checked.stderr):
        assert known not in text
        assert "eyJ" not in text


def test_a_wrong_command_line_exits_with_2(pipeline: dict[str, str]) -> None:
    checked = _automation(pipeline, "check", "--only", "P7-*")
    assert checked.returncode == 2
    assert "P7-*" in checked.stderr


def test_a_missing_stack_exits_with_3_and_is_not_created(
    pipeline: dict[str, str], deployed: Deployment
) -> None:
    assert deployed.project == "neo4j-mcp"
    done = _automation(pipeline, "check", stack="nowhere")
    assert done.returncode == 3
    assert "There is no stack nowhere" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (Path(pipeline[WORKSPACE_VARIABLE]) / "Pulumi.nowhere.yaml").exists()


def test_drift_is_listed_and_fixed_by_the_next_deployment(
    pipeline: dict[str, str], deployed: Deployment, aws: Aws
) -> None:
    unchanged = _automation(pipeline, "deploy", "--expect-no-changes")
    assert (unchanged.returncode, unchanged.stdout.partition(":")[0]) == (0, "Nothing drifted")
    logs = aws("logs")
    function = f"neo4j-mcp-{STACK}-claims"
    group = aws("lambda").get_function_configuration(FunctionName=function)["LoggingConfig"][
        "LogGroup"
    ]
    logs.put_retention_policy(logGroupName=group, retentionInDays=545)
    drifted = _automation(pipeline, "deploy", "--expect-no-changes", "--json")
    assert drifted.returncode == 1, drifted.stderr
    (change,) = json.loads(drifted.stdout)["changes"]
    assert (change["operation"], change["properties"]) == ("update", ["retentionInDays"])
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["retentionInDays"] == 545, "a drift run must change nothing"
    deployed.refresh()
    fixed = _automation(pipeline, "deploy")
    assert fixed.returncode == 0, fixed.stderr
    assert "identity-claims-log" in fixed.stdout
    assert deployed.preview().none


def _backend(running: Cloud) -> dict[str, bytes]:
    folder = Path(Home(running.home).pulumi, "backend")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_another_region_is_refused_before_anything_happens(
    pipeline: dict[str, str], deployed: Deployment, configure: Configure
) -> None:
    assert deployed.project == "neo4j-mcp"
    configure({"aws:region": "eu-west-1"})
    for command in ("deploy", "rotate"):
        refused = _automation(pipeline, command)
        assert refused.returncode == 3
        assert refused.stderr.startswith(f"error: The stack {STACK} is deployed in us-east-1, and ")
        assert f"pulumi config set --stack {STACK} aws:region us-east-1" in refused.stderr


def test_a_preview_reports_changes_and_makes_none(
    pipeline: dict[str, str], running: Cloud, deployed: Deployment, configure: Configure
) -> None:
    configure({"neo4j-mcp:logLevel": "debug"})
    before = _backend(running)
    done = _automation(pipeline, "deploy", "--preview", "--json")
    assert done.returncode == 0, done.stderr
    (change,) = json.loads(done.stdout)["changes"]
    assert change["resource"].endswith("::server-service")
    assert _backend(running) == before
    assert not deployed.preview().none


@pytest.mark.parametrize("option", ["--preview", "--expect-no-changes"])
def test_a_read_only_command_creates_no_stack(
    pipeline: dict[str, str], running: Cloud, deployed: Deployment, option: str
) -> None:
    assert deployed.project == "neo4j-mcp"
    before = _backend(running)
    done = _automation(pipeline, "deploy", option, stack="nowhere")
    assert done.returncode == 3
    assert "There is no stack nowhere" in done.stderr
    assert _backend(running) == before


@pytest.mark.slow
def test_a_read_only_command_reports_a_cut_off_operation_and_changes_nothing(
    pipeline: dict[str, str], running: Cloud, deployed: Deployment, tmp_path: Path
) -> None:
    (path,) = Path(Home(running.home).pulumi, "backend").glob(f".pulumi/stacks/*/{STACK}.json")
    original = path.read_bytes()
    kept = json.loads(original)
    latest = kept["checkpoint"]["latest"]
    (begun,) = [each for each in latest["resources"] if each["urn"].endswith("::image-lifecycle")]
    latest["pending_operations"] = [{"resource": begun, "type": "creating"}]
    path.write_text(json.dumps(kept), encoding="utf-8")
    before = _backend(running)
    try:
        preview = _automation(pipeline, "deploy", "--preview", "--json")
        drift = _automation(pipeline, "deploy", "--expect-no-changes", "--json")
        reports = ("--reports", str(tmp_path))
        checked = _automation(pipeline, "check", "--only", "P1-scan", *reports)
        shown = _automation(pipeline, "report", *reports)
        assert _backend(running) == before
    finally:
        path.write_bytes(original)
    for done, status in ((preview, 0), (drift, 1)):
        assert done.returncode == status, done.stderr
        assert json.loads(done.stdout)["pending"] == ["image-lifecycle (creating)"]
        assert "cut off at image-lifecycle (creating)" in done.stderr
    assert (checked.returncode, shown.returncode) == (0, 0)
    assert deployed.preview().none


@pytest.mark.usefixtures("outputs")
def test_an_update_that_app_runner_rolled_back_fails_the_deployment_and_the_checks(
    pipeline: dict[str, str], configure: Configure, tmp_path: Path
) -> None:
    configure({"neo4j-mcp:healthCheck": UNHEALTHY, "neo4j-mcp:logLevel": "debug"})
    done = _automation(pipeline, "deploy")
    assert done.returncode == 3
    assert "its environment differs in NEO4J_MCP_LOG_LEVEL" in done.stderr
    assert "UPDATE_SERVICE, ended ROLLBACK_SUCCEEDED" in done.stderr
    assert f"run: python -m automation deploy --stack {STACK}" in done.stderr
    chosen = ("--only", "P3-environment", "--only", "P3-health-check")
    checked = _automation(pipeline, "check", *chosen, "--reports", str(tmp_path))
    assert checked.returncode == 1
    assert "NEO4J_MCP_LOG_LEVEL is not 'debug'" in checked.stderr
    assert "2 failed" in checked.stdout


def test_the_policy_reads_the_properties_of_every_resource(deployed: Deployment) -> None:
    steps = deployed.preview().steps
    settings = stack_settings(deployed, deployed.configuration())
    expected = Expectations.of(settings, resource_names(deployed))
    assert violations(steps, expected) == ()
    stripped = [replace(step, inputs={}) for step in steps]
    broken = {violation.rule for violation in violations(stripped, expected)}
    assert broken == {"tags", "repository", "logs", "client-credentials", "sign-up"}
    (policy,) = [step for step in steps if step.name == "server-may-pull"]
    assert "ecr:BatchGetImage" in policy.inputs["policy"]


@pytest.mark.slow
def test_a_protected_stack_is_not_destroyed(
    pipeline: dict[str, str], deployed: Deployment, configure: Configure
) -> None:
    configure({"neo4j-mcp:deletionProtection": "true"})
    deployed.up()
    try:
        refused = _automation(pipeline, "destroy", "--yes")
        assert refused.returncode == 1
        assert "identity-pool" in refused.stderr
        assert "pulumi config set" in refused.stderr
        assert deployed.outputs()
    finally:
        configure({"neo4j-mcp:deletionProtection": "false"})
        deployed.up()
    assert deployed.protected() == ()


def test_destroy_asks_for_confirmation(pipeline: dict[str, str], deployed: Deployment) -> None:
    for answer in ("n\n", ""):
        refused = _automation(pipeline, "destroy", answer=answer)
        assert refused.returncode == 1
        assert "Delete everything" in refused.stdout
    assert deployed.preview().none


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_next_deployment_resumes_after_an_interruption(
    pipeline: dict[str, str], deployed: Deployment, configure: Configure, number: signal.Signals
) -> None:
    configure({"neo4j-mcp:schemaSampleSize": 7 + number})
    deploy = updating_the_service("automation", "deploy", "--stack", STACK, environment=pipeline)
    with deploy as process:
        # A terminal's Ctrl-C reaches the whole group; a pipeline's SIGTERM the process alone.
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.wait(_TIMEOUT) in {0, 128 + number}
    assert "Traceback" not in said
    # No lock and no pending operation is left.
    assert deployed.pending_operations() == ()
    deployed.up()
    assert deployed.preview().none


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["updating", "creating"])
def test_operations_of_a_killed_run_are_taken_over(
    pipeline: dict[str, str], running: Cloud, deployed: Deployment, kind: str
) -> None:
    (path,) = Path(Home(running.home).pulumi, "backend").glob(f".pulumi/stacks/*/{STACK}.json")
    kept = json.loads(path.read_text(encoding="utf-8"))
    latest = kept["checkpoint"]["latest"]
    (begun,) = [each for each in latest["resources"] if each["urn"].endswith("::image-lifecycle")]
    # As the engine leaves its state when it is killed; its own import would take them out.
    latest["pending_operations"] = [{"resource": begun, "type": kind}]
    path.write_text(json.dumps(kept), encoding="utf-8")
    assert deployed.pending_operations() == (f"image-lifecycle ({kind})",)
    done = _automation(pipeline, "deploy")
    assert done.returncode == 0, done.stderr
    assert f"cut off at image-lifecycle ({kind})" in done.stderr
    assert deployed.pending_operations() == ()
    assert deployed.preview().none


@pytest.mark.usefixtures("outputs")
def test_a_waiting_check_can_be_interrupted(pipeline: dict[str, str], tmp_path: Path) -> None:
    chosen = ("--only", "P2-keys", "--only", "P5-token-expiry", "--wait", "3700")
    process = subprocess.Popen(
        [sys.executable, "-m", "automation", "check", "--stack", STACK, *chosen],
        cwd=tmp_path,
        env=pipeline | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr as lines:
        assert next((line for line in lines if "P2-keys" in line), None), "no check ended"
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.wait(30) == 128 + signal.SIGTERM
    assert "interrupted" in said
    assert "Traceback" not in said
