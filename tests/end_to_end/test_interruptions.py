"""Deployments that are interrupted or killed, and every possible next command.

They run on a second stack of the session's stand-in; each part leaves to the next what it needs.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from automation.deployment import Deployment, Target
from automation.takeover import ID_FORMATS, LOOKUPS
from demo.stand_in import target
from localcloud.cloud import Cloud
from localcloud.paths import Home
from tests.repository import ROOT
from tests.stand_in import Aws

pytestmark = pytest.mark.stand_in

_STACK = "second"
_TIMEOUT = 300
_ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
# Nothing is begun before the image is recorded that needs it: it is pushed again, without harm.
_IMAGE = {"aws:ecr/repository:Repository", "docker:index/image:Image"}
_SUFFIX = "random:index/randomString:RandomString"
"""Exists only in the state."""
_INVOCATION = "aws:lambda/invocation:Invocation"
"""Exists only in the state too, and is made again."""
_IN_THE_CLOUD = (ID_FORMATS.keys() | LOOKUPS.keys()) - _IMAGE


@dataclass(frozen=True)
class _Second:
    """The second stack, and the environment of its commands."""

    deployment: Deployment
    shell: dict[str, str]
    aws: Aws
    checkpoint: Path

    def command(self, name: str) -> list[str]:
        more = ["--yes"] if name == "destroy" else []
        return [sys.executable, "-m", "automation", name, "--stack", _STACK, *more]

    def run(self, name: str) -> str:
        done = subprocess.run(
            self.command(name),
            cwd=ROOT,
            env=self.shell,
            check=False,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    def ensure_deployed(self) -> None:
        if not self.ids():
            self.run("deploy")

    def ensure_destroyed(self) -> None:
        if self.ids():
            self.run("destroy")

    def interrupt(self, name: str, event: str, number: signal.Signals) -> int:
        """Send a signal at an event of the engine; SIGKILL goes to the whole process group."""
        with subprocess.Popen(
            self.command(name),
            cwd=ROOT,
            env=self.shell,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stderr is not None
            found = next((line for line in process.stderr if event in line), None)
            assert found, f"no {event}"
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
            rest = process.stderr.read()
        assert "Traceback" not in rest
        return process.returncode

    def ids(self) -> dict[str, str]:
        """Return the ids in the state of the resources that AWS keeps, by name."""
        return {
            each["urn"].rpartition("::")[2]: each["id"]
            for each in self.deployment.state().get("resources") or []
            if each["type"] in ID_FORMATS.keys() | LOOKUPS.keys()
        }

    def left(self) -> list[str]:
        """Return the names of the stack's resources on AWS."""
        found: list[str] = []
        marks = f"-{_STACK}-"
        pools = self.aws("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
        found += [each["Name"] for each in pools]
        services = self.aws("apprunner").list_services()["ServiceSummaryList"]
        found += [each["ServiceName"] for each in services if each["Status"] != "DELETED"]
        found += [each["RoleName"] for each in self.aws("iam").list_roles()["Roles"]]
        repositories = self.aws("ecr").describe_repositories()["repositories"]
        found += [each["repositoryName"] for each in repositories]
        functions = self.aws("lambda").list_functions()["Functions"]
        found += [each["FunctionName"] for each in functions]
        found += [each["Name"] for each in self.aws("events").list_rules()["Rules"]]
        secrets = self.aws("secretsmanager").list_secrets()["SecretList"]
        found += [each["Name"] for each in secrets if not each.get("DeletedDate")]
        return [name for name in found if marks in name]

    def edit(self, change: Any) -> None:  # noqa: ANN401 - a function on JSON
        """Change the state's file, since `pulumi stack import` would refuse this."""
        kept = json.loads(self.checkpoint.read_text(encoding="utf-8"))
        change(kept["checkpoint"]["latest"])
        self.checkpoint.write_text(json.dumps(kept), encoding="utf-8")


@pytest.fixture(scope="module")
def second(running: Cloud, deployed: Deployment, aws: Aws) -> Iterator[_Second]:
    """A second stack next to the session's, empty at first and at the end."""
    assert deployed.project
    home = Home(running.home)
    settings = yaml.safe_load((home.workspace / "Pulumi.local.yaml").read_text(encoding="utf-8"))
    own = home.workspace / f"Pulumi.{_STACK}.yaml"
    own.write_text(yaml.safe_dump({"config": settings["config"]}), encoding="utf-8")
    local = target(running)
    deployment = Deployment(
        Target(
            stack=_STACK,
            workspace=local.workspace,
            engine=local.engine,
            environment=local.environment,
        ),
        create=True,
    )
    (checkpoint,) = home.backend.glob(f".pulumi/stacks/*/{_STACK}.json")
    path = f"{home.engine_command.parent}{os.pathsep}{os.environ['PATH']}"
    shell = os.environ | running.environment() | {"PATH": path, "PYTHONUNBUFFERED": "1"}
    yield _Second(deployment, shell, aws, checkpoint)
    deployment.take_over(print)
    deployment.destroy()
    own.unlink()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "event", "number", "then"),
    [
        ("deploy", "create identity-resource-server", signal.SIGKILL, "deploy"),
        ("destroy", "delete server-service", signal.SIGINT, "deploy"),
        ("destroy", "delete server-service", signal.SIGKILL, "destroy"),
        ("deploy", "create server-service", signal.SIGHUP, "destroy"),
    ],
    ids=lambda value: getattr(value, "name", str(value)).replace(" ", "-"),
)
def test_any_next_command_resumes(
    second: _Second, command: str, event: str, number: signal.Signals, then: str
) -> None:
    if command == "destroy":
        second.ensure_deployed()
    else:
        second.ensure_destroyed()
    status = second.interrupt(command, event, number)
    assert status == (-number if number == signal.SIGKILL else 128 + number)
    second.run(then)
    if then == "deploy":
        assert second.deployment.preview().none
    else:
        assert second.left() == []
        assert second.ids() == {}


def _without(resource: dict[str, Any], urns: set[str]) -> list[str]:
    """Return what a resource depends on, without some."""
    return [urn for urn in resource.get("dependencies") or [] if urn not in urns]


@pytest.mark.slow
def test_resources_missing_in_the_state_after_a_kill_are_found(second: _Second) -> None:
    second.ensure_deployed()
    before = second.ids()
    types = {each["type"] for each in second.deployment.state()["resources"]}
    types = {each for each in types if not each.startswith(("pulumi:", "neo4j-mcp:"))}
    assert types <= {*_IN_THE_CLOUD, *_IMAGE, _SUFFIX, _INVOCATION}

    def forget(state: dict[str, Any]) -> None:
        """Change the state as if the engine had been killed after each creation."""
        begun = [each for each in state["resources"] if each["type"] in _IN_THE_CLOUD]
        made_again = [each for each in state["resources"] if each["type"] == _INVOCATION]
        urns = {each["urn"] for each in made_again}
        state["resources"] = [
            each for each in state["resources"] if each not in begun and each not in made_again
        ]
        state["pending_operations"] = [
            {
                "type": "creating",
                "resource": {
                    name: value for name, value in each.items() if name not in {"id", "outputs"}
                }
                # The state must name no resource that it doesn't have.
                | {"dependencies": _without(each, urns)},
            }
            for each in begun
        ]

    second.edit(forget)
    said = second.run("deploy")
    assert "cut off at" in said
    assert second.ids() == before
    assert second.deployment.pending_operations() == ()


@pytest.mark.slow
def test_a_resource_that_is_already_deleted_counts_as_deleted(second: _Second) -> None:
    second.ensure_deployed()
    state = json.loads(second.checkpoint.read_text(encoding="utf-8"))["checkpoint"]["latest"]
    # The real provider fails to switch off the rotation of a secret that is gone.
    state["resources"] = [each for each in state["resources"] if each["type"] != _ROTATION]
    second.run("destroy")
    assert second.left() == []
    second.edit(lambda latest: latest.update(state))
    # Without a refresh, which would find the deletion by itself.
    second.deployment.destroy()
    assert second.ids() == {}
