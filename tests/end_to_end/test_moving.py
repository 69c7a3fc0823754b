"""A stack moves from one host to another under traffic, by the commands of docs/moving-hosts.md."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import docker
import pytest

from automation.deployment import Deployment
from automation.drills.records import Record
from automation.drills.traffic import Traffic
from demo.stand_in import read_credentials
from localcloud.cloud import Cloud
from localcloud.docker_engine import bridge_addresses
from localcloud.paths import Home
from localcloud.workspace import STACK
from neo4j_mcp_client import Neo4jMcp
from tests.documents import example
from tests.repository import ROOT
from tests.stand_in import Configure

pytestmark = pytest.mark.stand_in

_PAGE = "docs/moving-hosts.md"
_COMMAND_TIMEOUT = 600.0
_CALLS_TIMEOUT = 120.0


@dataclass(frozen=True, kw_only=True)
class Moving:
    """The shared stack, with the shell in which the page's commands run."""

    running: Cloud
    deployment: Deployment
    shell: dict[str, str]

    def follow(self, *names: str) -> str:
        """Run examples of the page, and return what they print."""
        return self.run("\n".join(example(_PAGE, name) for name in names))

    def run(self, script: str) -> str:
        """Run commands after those of `make env`, and return what they print."""
        done = subprocess.run(
            ["bash", "-eu", "-c", f'eval "$(make -s env)"\n{script}'],
            cwd=ROOT,
            env=self.shell | {"PULUMI_STACK": STACK},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=_COMMAND_TIMEOUT,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def check(self, *options: str) -> None:
        """Run checks of a host and of the clients' secrets; none may fail."""
        reports = self.running.home / "reports"
        self.run(
            f".venv/bin/python -m automation check --stack {STACK} --only 'P3-*'"
            f" --only P2-secret-complete --reports {reports} {' '.join(options)}"
        )

    @property
    def outputs(self) -> dict[str, Any]:
        return self.deployment.outputs()

    @contextlib.contextmanager
    def callers(self) -> Iterator[Traffic]:
        """Start callers, which read their secret once and then call until the end of the block."""
        secret = self.outputs["clients"]["reader"]["secretArn"]
        credentials = read_credentials(self.running, secret)
        bundle = str(Home(self.running.home).certificate_bundle)

        with Neo4jMcp(str(credentials.mcp_url), credentials, ca_bundle=bundle) as server:

            def call() -> None:
                assert server.read("RETURN 40 + 2 AS answer") == [{"answer": 42}]

            with Traffic(call, callers=2, clock=time.monotonic) as traffic:
                yield traffic


def wait_for_calls(traffic: Traffic) -> None:
    """Wait until calls that began after this have succeeded."""
    began = time.monotonic()

    def later(record: Record) -> bool:
        return record.began >= began and not record.failure

    assert traffic.wait_until(lambda known: sum(map(later, known)) >= 5, _CALLS_TIMEOUT)


@pytest.fixture
def moving(
    running: Cloud,
    deployed: Deployment,
    outputs: dict[str, Any],
    shell: dict[str, str],
    configure: Configure,
) -> Moving:
    """The shared stack with a database address that containers and functions reach."""
    assert "otherMcpUrl" not in outputs
    with contextlib.closing(docker.DockerClient(base_url=running.docker_host)) as engine:
        address, *_ = bridge_addresses(engine.networks.get("bridge").attrs)
    port = urlsplit(running.bolt_uri).port
    configure({"neo4j-mcp:neo4jUri": f"neo4j+s://{address}:{port}"})
    deployed.up()
    return Moving(running=running, deployment=deployed, shell=shell)


def _kept(outputs: dict[str, Any]) -> dict[str, Any]:
    kept = ("clients", "issuer", "auraSso", "tokenUrl", "scopes")
    return {name: outputs[name] for name in kept}


@pytest.mark.slow
def test_no_call_fails_while_a_stack_moves_from_app_runner_to_lambda(moving: Moving) -> None:
    before = moving.outputs
    with contextlib.ExitStack() as early_callers:
        early = early_callers.enter_context(moving.callers())
        wait_for_calls(early)
        assert "the next host answers" in moving.follow("move-add", "move-try")
        both = moving.outputs
        assert both["mcpUrl"] == before["mcpUrl"] != both["otherMcpUrl"]
        moving.check("--other-host")

        moving.follow("move-switch")
        switched = moving.outputs
        assert (switched["mcpUrl"], switched["otherMcpUrl"]) == (
            both["otherMcpUrl"],
            both["mcpUrl"],
        )
        moving.check()
        # Callers that have not read their secret again still use the earlier host.
        wait_for_calls(early)
        with moving.callers() as restarted:
            wait_for_calls(restarted)
            early_callers.close()
            moving.follow("move-finish")
            wait_for_calls(restarted)
    after = moving.outputs
    assert after["mcpUrl"] == switched["mcpUrl"]
    assert "otherMcpUrl" not in after
    assert _kept(after) == _kept(switched) == _kept(both) == _kept(before)
    assert [each for each in (*early.records, *restarted.records) if each.failure] == []
    assert moving.deployment.preview(refresh=True).none
