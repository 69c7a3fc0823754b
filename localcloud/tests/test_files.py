"""Atomic writes and private folders."""

import os
import stat
from pathlib import Path

import pytest

from localcloud.errors import LocalCloudError
from localcloud.files import folder_when_complete, make_private_folder, write_atomically


def test_a_secret_file_is_private_even_after_an_interrupted_write(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    write_atomically(path, "first", mode=0o600)
    path.chmod(0o644)
    (path.parent / "file.unfinished").write_text("left by an interrupted write")
    (path.parent / "file.unfinished").chmod(0o644)
    write_atomically(path, "second", mode=0o600)
    assert path.read_text(encoding="utf-8") == "second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_an_existing_folder_becomes_private(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    make_private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    with pytest.raises(LocalCloudError, match=r"belongs to another user.*LOCALCLOUD_HOME"):
        make_private_folder(folder)


def test_a_folder_appears_once_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "cache" / "engine"
    left_over = target.with_name("engine.unfinished")
    left_over.mkdir(parents=True)
    (left_over / "half").touch()
    with folder_when_complete(target) as unfinished:
        (unfinished / "whole").touch()
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ["whole"]
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "engine"
    with pytest.raises(ZeroDivisionError), folder_when_complete(target):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []
