"""Files that are whole, and folders that are their owner's alone."""

import os
import stat
from pathlib import Path

import pytest

from localcloud.errors import LocalCloudError
from localcloud.files import make_private_folder, write_atomically


def test_a_secret_file_is_private_whatever_was_there_before(tmp_path: Path) -> None:
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


def test_a_folder_that_is_open_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    make_private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_folder_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    with pytest.raises(LocalCloudError, match=r"belongs to another user.*LOCALCLOUD_HOME"):
        make_private_folder(folder)
