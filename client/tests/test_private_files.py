import os
import stat
from pathlib import Path

import pytest

from neo4j_mcp_client import ConfigurationError, private_files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_file_and_folder_are_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "own" / "file"
    before = os.umask(0)
    try:
        private_files.replace(path, "text")
    finally:
        os.umask(before)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert private_files.read(path) == "text"


def test_replacing_a_file_leaves_no_other_files(tmp_path: Path) -> None:
    path = tmp_path / "own" / "file"
    private_files.replace(path, "one")
    private_files.replace(path, "two")
    assert private_files.read(path) == "two"
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert private_files.read(tmp_path / "none") is None


@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, permissions: int) -> None:
    path = tmp_path / "own" / "file"
    private_files.replace(path, "text")
    path.chmod(permissions)
    with pytest.raises(ConfigurationError, match=f"Others can read .* chmod 600 {path}"):
        private_files.read(path)


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(ConfigurationError, match=f"chmod 700 {folder}"):
        private_files.replace(folder / "file", "text")
    assert list(folder.iterdir()) == []


def test_a_link_is_refused(tmp_path: Path) -> None:
    target, link = tmp_path / "own" / "target", tmp_path / "own" / "link"
    private_files.replace(target, "text")
    link.symlink_to(target)
    with pytest.raises(ConfigurationError, match="link"):
        private_files.read(link)


def test_another_persons_file_is_refused(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    path = tmp_path / "own" / "file"
    private_files.replace(path, "text")
    os.chown(path, 65534, -1)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        private_files.read(path)


def test_a_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="can't be used"):
        private_files.replace(tmp_path / "file" / "x", "text")
