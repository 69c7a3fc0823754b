"""A stand-in cloud that is started, reused, interrupted, repaired and stopped."""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import docker
import docker.errors
import httpx2
import psutil
import pytest
import yaml
from neo4j import GraphDatabase, TrustCustomCAs

from localcloud import cloud, processes, services
from localcloud.cloud import REGION, Cloud
from localcloud.labels import OWNER_LABEL
from localcloud.paths import Home
from localcloud.ports import Ports
from localcloud.processes import Found
from localcloud.progress import Progress
from localcloud.terminal import console
from localcloud.workspace import STACK
from tests.repository import ROOT
from tests.stand_in import choose_ports, shell_of

pytestmark = pytest.mark.stand_in

_TIMEOUT = 120


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    cloud.down(home, Progress())


@pytest.fixture
def ports() -> Ports:
    return choose_ports()


def _start_and_kill(home: Home, ports: Ports) -> None:
    """Kill a start and its process group as soon as its first service is recorded."""
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud", "up"],
        cwd=ROOT,
        env=shell_of(home, ports) | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    record = services.records(home) / f"{services.AURA}.json"
    while not record.exists():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            pytest.fail("the start ended before it could be killed")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(_TIMEOUT)


def _pids(home: Home) -> list[int]:
    """Return the processes with the stand-in in their command line."""
    marks = {home.owner, str(home.directory)}
    return [
        each.pid
        for each in psutil.process_iter(["cmdline"])
        if any(mark in argument for argument in each.info["cmdline"] or () for mark in marks)
    ]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _containers(host: str, home: Home) -> int:
    client = docker.DockerClient(base_url=host)
    with contextlib.closing(client):
        label = f"{OWNER_LABEL}={home.owner}"
        return len(client.containers.list(all=True, sparse=True, filters={"label": label}))


def _make_signing_keys(running: Cloud) -> None:
    key = running.access_key()
    cognito = boto3.client(
        "cognito-idp",
        endpoint_url=running.aws_endpoint,
        region_name=REGION,
        aws_access_key_id=key.key_id,
        aws_secret_access_key=key.secret,
    )
    with contextlib.closing(cognito):
        pool = cognito.create_user_pool(PoolName="example")["UserPool"]["Id"]
    published = httpx2.get(f"{running.aws_endpoint}/{pool}/.well-known/jwks.json")
    assert published.json()["keys"]


def _temporary() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("ministack*")}


@pytest.mark.slow
def test_a_second_start_reuses_the_first(running: Cloud) -> None:
    home = Home(running.home)
    before = _pids(home)
    assert cloud.up(home, running.ports, Progress()) == running
    assert _pids(home) == before


@pytest.mark.slow
def test_an_interrupted_start_is_repaired_and_a_stop_leaves_nothing(
    running: Cloud, home: Home, ports: Ports
) -> None:
    temporary = _temporary()
    # What it leaves doesn't keep its ports.
    _start_and_kill(home, choose_ports())
    assert Cloud.find(home) is None

    repaired = cloud.up(home, ports, Progress())
    assert Cloud.find(home) == repaired
    everything = [ports.aws, ports.bolt, ports.console]
    assert all(map(_listens, everything))
    _make_signing_keys(repaired)

    cloud.down(home, Progress())
    assert _pids(home) == []
    assert not any(map(_listens, [*everything, *range(ports.services[0], ports.services[1] + 1)]))
    assert _containers(running.docker_host, home) == 0
    assert not home.directory.exists()
    assert _temporary() == temporary


class _Person:
    """What a user has created on a stand-in: data, a setting and a deployment."""

    def __init__(self, running: Cloud) -> None:
        self._running = running
        home = Home(running.home)
        self._settings = home.workspace / f"Pulumi.{STACK}.yaml"
        self._state = home.backend / "deployed"
        self._query("CREATE (:Kept)")
        stack = yaml.safe_load(self._settings.read_text(encoding="utf-8"))
        stack["config"]["neo4j-mcp:logLevel"] = "debug"
        self._settings.write_text(yaml.safe_dump(stack), encoding="utf-8")
        self._state.touch()

    def _query(self, cypher: str) -> int:
        credentials = json.loads(self._running.console_credentials.read_text(encoding="utf-8"))
        trusted = TrustCustomCAs(str(Home(self._running.home).certificate_bundle))
        address = self._running.bolt_uri.replace("neo4j+s://", "bolt://")
        auth = (credentials["username"], credentials["password"])
        with GraphDatabase.driver(
            address, auth=auth, encrypted=True, trusted_certificates=trusted
        ) as driver:
            return len(driver.execute_query(cypher).records)

    def has(self, *, deployment: bool) -> bool:
        """Return whether everything exists, with or without the deployment."""
        config = yaml.safe_load(self._settings.read_text(encoding="utf-8"))["config"]
        return (
            self._query("MATCH (n:Kept) RETURN n") == 1
            and config["neo4j-mcp:logLevel"] == "debug"
            and self._state.exists() == deployment
        )


def _processes(home: Home) -> dict[str, Found]:
    return {name: processes.find(name, records=services.records(home)) for name in services.NAMES}


def _kill(home: Home, name: str) -> None:
    pid = _processes(home)[name].pid
    assert pid
    process = psutil.Process(pid)
    process.kill()
    psutil.wait_procs([process], timeout=_TIMEOUT)


def _type(home: Home, ports: Ports, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=shell_of(home, ports),
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )


@pytest.mark.slow
def test_dead_parts_are_named_and_started_again(home: Home, ports: Ports) -> None:
    person = _Person(cloud.up(home, ports, Progress()))
    for name, lost in ((services.PROVIDERS, False), (services.AURA, False), (services.AWS, True)):
        before = _processes(home)
        _kill(home, name)
        asked = _type(home, ports, "localcloud", "status", "--json")
        assert asked.returncode == 1
        states = {each["name"]: each["state"] for each in json.loads(asked.stdout)["parts"]}
        assert states == dict.fromkeys(services.NAMES, "running") | {name: "died"}
        for command in ("status", "env"):
            done = _type(home, ports, "localcloud", command)
            assert done.returncode == 1
            became = f"{services.TITLES[name]} has died; its log: {home.logs / name}.log"
            assert became in done.stderr

        said = io.StringIO()
        assert cloud.up(home, ports, Progress(console(file=said, width=400))) == Cloud.find(home)
        assert f"{services.TITLES[name]} had stopped: " in said.getvalue()
        after = _processes(home)
        assert {each for each in services.NAMES if before[each] != after[each]} == {name}
        assert person.has(deployment=not lost)


@pytest.mark.slow
def test_down_stops_everything_without_the_aws_endpoint(
    running: Cloud, home: Home, ports: Ports
) -> None:
    client = docker.DockerClient(base_url=running.docker_host)
    with contextlib.closing(client):
        cloud.up(home, ports, Progress())
        name = f"localhost:{ports.aws}/own"
        client.api.import_image_from_data(_empty_layer(), repository=name, tag="1")
        client.containers.create(f"{name}:1", command="none", labels={OWNER_LABEL: home.owner})
        _kill(home, services.AWS)
        done = _type(home, ports, "demo", "down")
        assert done.returncode == 0, done.stderr
        assert "The AWS endpoint has died" in done.stderr
        with pytest.raises(docker.errors.ImageNotFound):
            client.images.get(f"{name}:1")
    assert _containers(running.docker_host, home) == 0
    assert _pids(home) == []
    assert not home.directory.exists()


@pytest.mark.slow
def test_taken_ports_prevent_a_start(home: Home, ports: Ports) -> None:
    with socket.create_server(("127.0.0.1", ports.console)):
        refused = _type(home, ports, "localcloud", "up")
    assert refused.returncode == 1
    assert "LOCALCLOUD_CONSOLE_PORT" in refused.stderr
    assert _pids(home) == []


def _empty_layer() -> bytes:
    layer = io.BytesIO()
    tarfile.open(fileobj=layer, mode="w").close()
    return layer.getvalue()
