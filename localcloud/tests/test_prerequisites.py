"""A start checks everything it needs first, and reports all that is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud import prerequisites
from localcloud.errors import LocalCloudError
from localcloud.paths import Home
from localcloud.prerequisites import RequiredSpace
from tests.repository import ROOT


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A machine without Docker, Maven or Debian's packages, and with an empty cache."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path / "cache"))
    return Home(tmp_path / "home")


def test_everything_missing_is_reported_at_once(bare: Home) -> None:
    with pytest.raises(LocalCloudError) as raised:
        prerequisites.require(bare, RequiredSpace(build=10**18, run=10**18))
    message = str(raised.value)
    assert "Nothing was started" in message
    assert "No Docker Engine answers at DOCKER_HOST=tcp://127.0.0.1:9" in message
    assert "Maven" in message
    assert f"free for {bare.directory}" in message
    assert str(bare.directory.parent / "cache") in message
    assert not bare.directory.exists()


def test_a_complete_machine_passes(bare: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localcloud.docker_engine.find", lambda: "unix:///docker.sock")
    monkeypatch.setattr("localcloud.toolchains.require_maven", lambda: None)
    prerequisites.require(bare, RequiredSpace(build=1, run=1))


def test_the_same_problem_is_reported_once() -> None:
    def check() -> None:
        raise LocalCloudError("no disk")

    assert prerequisites.failures([check, lambda: None, check]) == ["no disk"]


@pytest.mark.program
def test_a_start_without_docker_fails_before_it_builds(bare: Home, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "localcloud", "up"],
        cwd=ROOT,
        env=os.environ | {"LOCALCLOUD_HOME": str(bare.directory), "LOCALCLOUD_AWS_PORT": "0"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "No Docker Engine answers at DOCKER_HOST" in done.stderr
    assert "Maven" in done.stderr
    assert "Building" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "cache" / "engine").exists()
