"""The commands of the Makefile, on the tests' stand-in cloud."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from automation.deployment import Deployment
from localcloud.certificates import CertificateAuthority
from localcloud.cloud import Cloud
from tests.end_to_end.updating import updating_the_service
from tests.repository import ROOT
from tests.stand_in import Configure

pytestmark = pytest.mark.stand_in

_TIMEOUT = 180


def _run(shell: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=shell,
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )


def _begin_demo(shell: dict[str, str]) -> subprocess.Popen[str]:
    """Start a demo, which works on the stand-in once its first line is read."""
    return subprocess.Popen(
        [sys.executable, "-m", "demo", "run"],
        cwd=ROOT,
        env=shell,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_the_second_of_two_demos_waits(
    shell: dict[str, str], deployed: Deployment, outputs: dict[str, Any]
) -> None:
    first = _begin_demo(shell)
    assert first.stdout is not None
    assert "Deploying the stack" in first.stdout.readline()
    second = _run(shell, sys.executable, "-m", "demo", "run")
    said, _ = first.communicate(timeout=_TIMEOUT)
    assert second.stderr.startswith(f"Waiting for `demo run`, process {first.pid}, running since ")
    for status, table in ((first.returncode, said), (second.returncode, second.stdout)):
        assert status == 0, said + second.stderr
        assert "✗" not in table
        assert outputs["mcpUrl"] in table
    assert second.stdout.count("✓") == 11
    assert "The writer finds Les Misérables" in second.stdout
    assert deployed.preview().none


@pytest.mark.slow
def test_a_demo_with_a_closed_output_ends_cleanly(
    shell: dict[str, str], deployed: Deployment
) -> None:
    process = _begin_demo(shell)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(_TIMEOUT) == 128 + signal.SIGPIPE
    assert deployed.pending_operations() == ()
    # No lock is left.
    deployed.up()


def test_outputs_prints_only_json(shell: dict[str, str], outputs: dict[str, Any]) -> None:
    done = _run(shell, sys.executable, "-m", "demo", "outputs")
    assert json.loads(done.stdout) == outputs


def test_the_environment_works_for_other_tools(
    shell: dict[str, str], outputs: dict[str, Any], tmp_path: Path
) -> None:
    # Tools still trust what the shell trusted, even after a second `eval`.
    trusted = CertificateAuthority.load_or_create(tmp_path).certificate_path
    shell = shell | {"SSL_CERT_FILE": str(trusted)}
    script = f"""
        eval "$({sys.executable} -m localcloud env)"
        once="$SSL_CERT_FILE"
        eval "$({sys.executable} -m localcloud env)"
        test "$once" = "$SSL_CERT_FILE"
        grep --quiet --fixed-strings "$(sed -n 5p {trusted})" "$SSL_CERT_FILE"
        pulumi stack output mcpUrl
        docker version --format '{{{{.Server.Os}}}}'
        curl --silent --fail "$(pulumi stack output serviceUrl)/healthz"
        echo
        {sys.executable} -c 'import boto3; \
            print(boto3.client("apprunner").list_services()["ServiceSummaryList"][0]["Status"])'
        {sys.executable} -c 'import os; print(os.environ["NEO4J_URI"])'
    """
    done = _run(shell, "sh", "-ec", script)
    assert done.returncode == 0, done.stderr
    mcp_url, docker_os, health, status, neo4j_uri = done.stdout.split()
    assert mcp_url == outputs["mcpUrl"]
    assert docker_os == "linux"
    assert json.loads(health) == {"status": "ok"}
    assert status == "RUNNING"
    assert neo4j_uri.startswith("neo4j+s://localhost:")


def test_status_prints_addresses_as_json(shell: dict[str, str], running: Cloud) -> None:
    done = _run(shell, sys.executable, "-m", "localcloud", "status", "--json")
    assert json.loads(done.stdout)["aws_endpoint"] == running.aws_endpoint


def test_other_ports_are_refused_while_it_runs(shell: dict[str, str]) -> None:
    done = _run(shell | {"LOCALCLOUD_AWS_PORT": "1"}, sys.executable, "-m", "localcloud", "up")
    assert done.returncode == 1
    assert "already runs on other ports" in done.stderr


def test_without_a_stand_in_the_error_names_the_command_that_starts_one(
    shell: dict[str, str], tmp_path: os.PathLike[str]
) -> None:
    nowhere = shell | {"LOCALCLOUD_HOME": str(tmp_path)}
    for command in (("localcloud", "status"), ("localcloud", "env"), ("demo", "outputs")):
        done = _run(nowhere, sys.executable, "-m", *command)
        assert done.returncode == 1
        assert "make demo" in done.stderr
        assert done.stdout == ""


def test_the_next_deployment_resumes_after_a_kill(
    shell: dict[str, str], deployed: Deployment, configure: Configure
) -> None:
    configure({"neo4j-mcp:schemaSampleSize": 7})
    environment = shell | {"PYTHONUNBUFFERED": "1"}
    with updating_the_service("demo", "run", environment=environment) as process:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_TIMEOUT)
    deployed.up()
    assert deployed.preview().none
