from pathlib import Path

import pytest

from localcloud.cloud import Cloud, Ports
from localcloud.errors import LocalCloudError
from localcloud.paths import Home, cache_directory


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


def test_every_wrong_port_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_AWS_PORT", "many")
    monkeypatch.setenv("LOCALCLOUD_BOLT_PORT", "70000")
    monkeypatch.setenv("LOCALCLOUD_SERVICE_PORTS", "8443")
    with pytest.raises(LocalCloudError) as raised:
        Ports.from_environment()
    for variable in ("LOCALCLOUD_AWS_PORT", "LOCALCLOUD_BOLT_PORT", "LOCALCLOUD_SERVICE_PORTS"):
        assert variable in str(raised.value)


def test_nothing_runs_in_an_empty_folder(tmp_path: Path) -> None:
    assert Cloud.find(Home(tmp_path)) is None


def test_folders_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path / "cache"))
    assert Home.default().directory == tmp_path / "home"
    assert cache_directory() == tmp_path / "cache"


def test_two_folders_have_two_owners(tmp_path: Path) -> None:
    assert Home(tmp_path / "a").owner != Home(tmp_path / "b").owner
