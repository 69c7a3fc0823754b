"""A separate stand-in for these tests: AWS endpoint, providers, engine, and stacks on them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3.session
import docker
import pytest
from pulumi import automation

from localcloud import docker_engine
from localcloud.access_key import AccessKey
from localcloud.engine import cli
from localcloud.labels import OWNER_LABEL
from localcloud.paths import Home
from localcloud.progress import Progress
from localcloud.providers.aws.clients import ENDPOINTS
from localcloud.toolchains import ensure_node
from tests.ports import free_ports
from tests.repository import ROOT

REGION = "us-east-1"
# Another run of the tests may use the same Docker Engine.
OWNER = f"test-providers-{os.getpid()}"
_SERVICE_PORTS = 4
_STOP_SECONDS = 15


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """A running stand-in."""

    endpoint: str
    providers: Mapping[str, str]
    command: Path
    key: AccessKey
    docker: docker.DockerClient
    directory: Path
    log: Path

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 defines its clients at run time
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload] # the name is no literal
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.key.key_id,
            aws_secret_access_key=self.key.secret,
        )


@dataclass(kw_only=True)
class Project:
    """The stack of one test, with the engine's output."""

    stack: automation.Stack
    directory: Path
    state: Path
    output: list[str] = field(default_factory=list)

    def up(self) -> Mapping[str, int]:
        return self._summary(self.stack.up(on_output=self.output.append).summary.resource_changes)

    def preview(self) -> Mapping[str, int]:
        return self._summary(self.stack.preview(on_output=self.output.append).change_summary)

    def refresh(self) -> Mapping[str, int]:
        result = self.stack.refresh(on_output=self.output.append)
        return self._summary(result.summary.resource_changes)

    def destroy(self) -> Mapping[str, int]:
        result = self.stack.destroy(on_output=self.output.append)
        return self._summary(result.summary.resource_changes)

    def resources(self) -> dict[str, dict[str, Any]]:
        """The state's resources by name."""
        deployment = self.stack.export_stack().deployment or {}
        return {each["urn"].split("::")[-1]: each for each in deployment.get("resources", [])}

    def stored(self) -> str:
        """Everything that the state backend has stored on disk."""
        return "".join(
            each.read_text(encoding="utf-8") for each in self.state.rglob("*") if each.is_file()
        )

    @staticmethod
    def _summary(changes: Mapping[Any, int] | None) -> Mapping[str, int]:
        return {getattr(key, "value", key): count for key, count in (changes or {}).items()}


def start(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path
) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    """Start a service of the stand-in and wait until it is ready."""
    read_fd, write_fd = os.pipe()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--ready-fd", str(write_fd), *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            pass_fds=[write_fd],
            stderr=file,
        )
    os.close(write_fd)
    with os.fdopen(read_fd, encoding="utf-8") as pipe:
        line = pipe.readline()
    if not line:
        process.wait(_STOP_SECONDS)
        raise AssertionError(f"{module} ended before it was ready: {log.read_text()}")
    addresses: dict[str, str] = json.loads(line)
    return process, addresses


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(_STOP_SECONDS) == 0


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    directory = tmp_path_factory.mktemp("stand-in")
    home = Home(directory)
    engine = docker_engine.ensure(Progress(), home)
    command = cli.ensure(Progress())
    ports = free_ports(_SERVICE_PORTS)
    environment = {"DOCKER_HOST": engine.host}
    processes = []
    try:
        process, endpoint = start(
            "localcloud.aws",
            [
                "--port=0",
                f"--service-ports={ports[0]}-{ports[-1]}",
                f"--certificate-authority={directory / 'ca'}",
                f"--owner={OWNER}",
                f"--state-dir={directory / 'aws'}",
                f"--credentials={home.aws_credentials}",
                f"--node={ensure_node(Progress())}",
                "--edge-deployment=0.2",
            ],
            environment,
            directory / "aws.log",
        )
        processes.append(process)
        log = directory / "providers.log"
        process, providers = start(
            "localcloud.providers",
            ["--project-directory", str(directory), "--owner", OWNER],
            environment,
            log,
        )
        processes.append(process)
        client = docker.DockerClient(engine.host)
        yield StandIn(
            endpoint=endpoint["endpoint"],
            providers=providers,
            command=command,
            key=AccessKey.load(home.aws_credentials),
            docker=client,
            directory=directory,
            log=log,
        )
        client.close()
    finally:
        for process in reversed(processes):
            stop(process)
        # Not before: containers may still be stopping until the endpoint has stopped.
        _remove_images(engine)
        docker_engine.release(home)


def _remove_images(engine: docker_engine.DockerEngine) -> None:
    client = docker.DockerClient(engine.host)
    with contextlib.closing(client):
        for image in client.api.images(filters={"label": f"{OWNER_LABEL}={OWNER}"}):
            client.images.remove(image["Id"], force=True)


@pytest.fixture
def project(
    stand_in: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[Callable[[], None]], Project]]:
    """Makes a stack for a program, and destroys it after the test."""
    # Relative paths in programs are relative to the working directory.
    monkeypatch.chdir(stand_in.directory)
    # PulumiCommand expects the executable in a folder named bin.
    root = tmp_path / "engine"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "pulumi").symlink_to(stand_in.command)
    state = tmp_path / "state"
    state.mkdir()
    made: list[Project] = []

    def make(program: Callable[[], None]) -> Project:
        stack = automation.create_stack(
            "local",
            "providers",
            program,
            opts=automation.LocalWorkspaceOptions(
                pulumi_command=automation.PulumiCommand(root=str(root)),
                work_dir=str(tmp_path),
                pulumi_home=str(tmp_path / "pulumi"),
                project_settings=automation.ProjectSettings(name="providers", runtime="python"),
                env_vars={
                    "PULUMI_BACKEND_URL": f"file://{state}",
                    "PULUMI_CONFIG_PASSPHRASE": "correct horse",
                    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                    "PULUMI_SKIP_UPDATE_CHECK": "1",
                    "PULUMI_DEBUG_PROVIDERS": ",".join(
                        f"{name}:{address.rpartition(':')[2]}"
                        for name, address in stand_in.providers.items()
                    ),
                },
            ),
        )
        endpoints = json.dumps([dict.fromkeys(ENDPOINTS.values(), stand_in.endpoint)])
        stack.set_all_config(
            {
                "aws:region": automation.ConfigValue(REGION),
                "aws:accessKey": automation.ConfigValue(stand_in.key.key_id),
                "aws:secretKey": automation.ConfigValue(stand_in.key.secret, secret=True),
                "aws:endpoints": automation.ConfigValue(endpoints),
                "aws:defaultTags": automation.ConfigValue('{"tags": {"project": "providers"}}'),
            }
        )
        made.append(Project(stack=stack, directory=stand_in.directory, state=state))
        return made[-1]

    yield make
    for each in made:
        each.destroy()
