import subprocess
import sys
import threading
from pathlib import Path

import pytest

from localcloud import cloud, docker_engine, prerequisites, services, toolchains
from localcloud.aura import distribution
from localcloud.cancellation import CancelledError
from localcloud.cloud import Cloud
from localcloud.docker_engine import DockerEngine
from localcloud.engine import cli as engine_cli
from localcloud.errors import LocalCloudError
from localcloud.locks import locked
from localcloud.paths import Home, cache_directory
from localcloud.ports import Ports
from localcloud.progress import Progress
from tests.repository import ROOT


def test_ports_have_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_PORT", "SERVICE_PORTS", "BOLT_PORT", "CONSOLE_PORT"):
        monkeypatch.delenv(f"LOCALCLOUD_{variable}", raising=False)
    assert Ports.from_environment() == Ports(
        aws=4566, services=(8443, 8462), bolt=7687, console=7474
    )


def test_ports_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_AWS_PORT", "5566")
    monkeypatch.setenv("LOCALCLOUD_SERVICE_PORTS", "9443-9445")
    assert Ports.from_environment().aws == 5566
    assert Ports.from_environment().services == (9443, 9445)


def test_all_invalid_ports_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_AWS_PORT", "many")
    monkeypatch.setenv("LOCALCLOUD_BOLT_PORT", "70000")
    monkeypatch.setenv("LOCALCLOUD_SERVICE_PORTS", "8443")
    with pytest.raises(LocalCloudError) as raised:
        Ports.from_environment()
    for variable in ("LOCALCLOUD_AWS_PORT", "LOCALCLOUD_BOLT_PORT", "LOCALCLOUD_SERVICE_PORTS"):
        assert variable in str(raised.value)


def test_nothing_runs_in_an_empty_folder(tmp_path: Path) -> None:
    assert Cloud.find(Home(tmp_path)) is None


def test_a_stand_in_without_an_access_key_must_be_restarted(tmp_path: Path) -> None:
    running = Cloud(
        ports=Ports(),
        aws_endpoint="http://localhost:4566",
        bolt_uri="neo4j+s://localhost:7687",
        console_url="http://127.0.0.1:7474",
        console_credentials=tmp_path / "credentials",
        database_uri="bolt://127.0.0.1:7999",
        docker_host="unix:///run/docker.sock",
        debug_providers="aws:1",
        home=tmp_path,
    )
    with pytest.raises(LocalCloudError, match="make down && make demo"):
        running.environment()


def test_a_start_that_fails_does_not_wait_for_another_ones_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, waiting = tmp_path / "engine.lock", threading.Event()
    ended: list[type[BaseException]] = []

    def wait_for_the_build(_: Progress) -> Path:
        waiting.set()
        try:
            with locked(lock, timeout=30, work="building the Pulumi engine"):
                return tmp_path
        except LocalCloudError as error:
            ended.append(type(error))
            raise

    def fail(*_: object, **__: object) -> dict[str, str]:
        assert waiting.wait(30)
        raise LocalCloudError("Aura didn't start.")

    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(prerequisites, "require", lambda _: None)
    engine = DockerEngine(host="unix:///none", bridge_address="127.0.0.1")
    monkeypatch.setattr(docker_engine, "ensure", lambda *_: engine)
    monkeypatch.setattr(engine_cli, "ensure", wait_for_the_build)
    for tool in ("ensure_java", "ensure_node"):
        monkeypatch.setattr(toolchains, tool, lambda _: tmp_path)
    monkeypatch.setattr(distribution, "ensure_jars", lambda *_, **__: None)
    monkeypatch.setattr(services, "start_providers", lambda *_: {})
    monkeypatch.setattr(services, "start_aws", lambda *_, **__: "")
    monkeypatch.setattr(services, "start_aura", fail)
    ports = Ports(aws=0, services=(0, 0), bolt=0, console=0)

    with (
        locked(lock, timeout=0, work="building the Pulumi engine"),
        pytest.raises(LocalCloudError, match="Aura didn't start"),
    ):
        cloud.up(Home(tmp_path / "home"), ports, Progress())
    assert ended == [CancelledError]


def test_folders_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path / "cache"))
    assert Home.default().directory == tmp_path / "home"
    assert cache_directory() == tmp_path / "cache"


def test_two_folders_have_two_owners(tmp_path: Path) -> None:
    assert Home(tmp_path / "a").owner != Home(tmp_path / "b").owner


@pytest.mark.parametrize(
    "command", ["pause-database", "resume-database", "detour-database", "connect-database"]
)
@pytest.mark.program
def test_database_commands_need_a_running_stand_in(tmp_path: Path, command: str) -> None:
    done = _localcloud(command, tmp_path, "{}")
    assert done.returncode == 1
    assert "doesn't run. Start it with: make demo" in done.stderr


@pytest.mark.program
def test_single_sign_on_settings_must_be_json(tmp_path: Path) -> None:
    done = _localcloud("connect-database", tmp_path, "{")
    assert done.returncode == 1
    assert "isn't JSON" in done.stderr


def _localcloud(command: str, home: Path, given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localcloud", command, "--home", str(home / "none")],
        cwd=ROOT,
        input=given,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
