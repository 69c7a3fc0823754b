"""What a start needs is looked for before its long steps, and all that is missing is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud import prerequisites
from localcloud.errors import LocalCloudError
from localcloud.paths import Home
from tests.repository import ROOT


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A machine without Docker, Maven or Debian's packages, and with an empty cache."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path / "cache"))
    return Home(tmp_path / "home")


def test_everything_that_is_missing_is_named_at_once(
    bare: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prerequisites, "_BUILD_SPACE", 10**18)
    monkeypatch.setattr(prerequisites, "_RUN_SPACE", 10**18)
    with pytest.raises(LocalCloudError) as raised:
        prerequisites.require(bare)
    said = str(raised.value)
    assert "Nothing was started" in said
    assert "No Docker Engine answers at DOCKER_HOST=tcp://127.0.0.1:9" in said
    assert "Maven" in said
    assert f"free for {bare.directory}" in said
    assert str(bare.directory.parent / "cache") in said
    assert not bare.directory.exists()


def test_nothing_is_missing_where_all_is_there(bare: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localcloud.docker_engine.find", lambda: "unix:///docker.sock")
    monkeypatch.setattr("localcloud.toolchains.require_maven", lambda: None)
    monkeypatch.setattr(prerequisites, "_BUILD_SPACE", 1)
    monkeypatch.setattr(prerequisites, "_RUN_SPACE", 1)
    prerequisites.require(bare)


def test_one_problem_of_two_checks_is_named_once() -> None:
    def check() -> None:
        raise LocalCloudError("no disk")

    assert prerequisites.failures([check, lambda: None, check]) == ["no disk"]


@pytest.mark.program
def test_a_start_without_docker_ends_before_anything_is_built(bare: Home, tmp_path: Path) -> None:
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
