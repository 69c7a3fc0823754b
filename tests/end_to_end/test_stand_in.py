"""A stand-in cloud's life: started, found, cut short, repaired, stopped without a trace."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import docker
import httpx2
import psutil
import pytest

from localcloud import cloud, services
from localcloud.cloud import REGION, Cloud
from localcloud.docker_engine import LABEL
from localcloud.paths import PROJECT_DIRECTORY, Home
from localcloud.ports import Ports
from localcloud.progress import Progress
from tests.conftest import choose_ports, shell_of

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
    """Kill a start with its group as soon as the first of its services is known."""
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud", "up"],
        cwd=PROJECT_DIRECTORY,
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
    """Give the processes whose command names the stand-in."""
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
        label = f"{LABEL}={home.owner}"
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


def test_a_second_start_finds_the_first(running: Cloud) -> None:
    home = Home(running.home)
    before = _pids(home)
    assert cloud.up(home, running.ports, Progress()) == running
    assert _pids(home) == before


def test_an_interrupted_start_is_repaired_and_a_stop_leaves_nothing(
    running: Cloud, home: Home, ports: Ports
) -> None:
    temporary = _temporary()
    _start_and_kill(home, ports)
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


def test_a_service_that_died_is_started_again(home: Home, ports: Ports) -> None:
    cloud.up(home, ports, Progress())
    for name in services.NAMES:
        (process,) = [
            process
            for process in map(psutil.Process, _pids(home))
            if f"localcloud.{name}" in process.cmdline()
        ]
        process.kill()
        psutil.wait_procs([process], timeout=_TIMEOUT)
        assert Cloud.find(home) is None
        assert cloud.up(home, ports, Progress()) == Cloud.find(home)
        assert all(map(_listens, [ports.aws, ports.bolt, ports.console]))
