import io
import os
import zipfile
from pathlib import Path

import pytest

from localcloud.providers.archives import zip_archive
from localcloud.providers.schema import ProviderError
from localcloud.providers.values import Archive, Asset


def _content(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _folder(path: Path) -> Path:
    (path / "lib").mkdir(parents=True)
    (path / "index.py").write_text("a")
    (path / "lib" / "more.py").write_text("b")
    return path


def test_the_zip_file_of_a_folder_depends_only_on_its_content(tmp_path: Path) -> None:
    one, two = _folder(tmp_path / "one"), _folder(tmp_path / "two")
    os.utime(two / "index.py", (1, 1))
    packed = zip_archive(Archive(path="one"), tmp_path)
    assert packed == zip_archive(Archive(path=str(two)), one)
    assert _content(packed) == {"index.py": b"a", "lib/more.py": b"b"}
    (two / "index.py").write_text("c")
    assert packed != zip_archive(Archive(path="two"), tmp_path)


def test_a_map_of_assets_is_packed_by_name(tmp_path: Path) -> None:
    _folder(tmp_path / "code")
    archive = Archive(
        assets={
            "main.py": Asset(text="x"),
            "copied.py": Asset(path="code/index.py"),
            "vendor": Archive(path="code/lib"),
        }
    )
    assert _content(zip_archive(archive, tmp_path)) == {
        "main.py": b"x",
        "copied.py": b"a",
        "vendor/more.py": b"b",
    }


def test_files_in_a_package_are_readable_by_the_function(tmp_path: Path) -> None:
    _folder(tmp_path / "code")
    with zipfile.ZipFile(io.BytesIO(zip_archive(Archive(path="code"), tmp_path))) as archive:
        assert {each.external_attr >> 16 for each in archive.infolist()} == {0o100644}


def test_a_zip_file_is_returned_unchanged(tmp_path: Path) -> None:
    packed = zip_archive(Archive(assets={"a": Asset(text="x")}), tmp_path)
    (tmp_path / "code.zip").write_bytes(packed)
    assert zip_archive(Archive(path="code.zip"), tmp_path) == packed


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (Archive(path="missing"), "there is no folder .*missing"),
        (Archive(path="text.txt"), "neither a folder nor a zip file"),
        (Archive(uri="https://example.com/a.zip"), "Unsupported"),
        (Archive(assets={"a": Asset(uri="https://example.com/a")}), "Unsupported"),
        (Archive(assets={"a": Asset(path="missing")}), "can't be read"),
    ],
)
def test_archives_that_cannot_be_packed_are_reported(
    tmp_path: Path, archive: Archive, reason: str
) -> None:
    (tmp_path / "text.txt").write_text("x")
    with pytest.raises(ProviderError, match=reason):
        zip_archive(archive, tmp_path)
