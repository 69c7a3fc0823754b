"""The archive for support: its parts, what can't be read, and who can read it."""

import stat
import zipfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from automation.blanking import BLANK, Blanker
from automation.errors import AutomationError
from automation.support.archive import PROBLEMS, ArchiveError, Part, collect, write

_SECRET = "2c6kq0v9b1example"


def _broken(error: Exception) -> Part:
    def read() -> str:
        raise error

    return Part(name="broken", read=read)


@pytest.mark.parametrize(
    "error",
    [
        AutomationError(f"no {_SECRET}"),
        ClientError({"Error": {"Code": "AccessDenied", "Message": f"no {_SECRET}"}}, "Describe"),
        OSError(f"no {_SECRET}"),
    ],
)
def test_a_part_that_cannot_be_read_is_listed_and_the_others_are_kept(error: Exception) -> None:
    blanker = Blanker()
    blanker.learn(_SECRET)
    parts = [_broken(error), Part(name="log", read=lambda: f"kept, {_SECRET}\n")]
    found = collect(parts, blanker.blank)
    assert found["log"] == f"kept, {BLANK}\n"
    assert found.keys() == {"log", PROBLEMS}
    assert found[PROBLEMS].startswith(f"broken: {type(error).__name__}: ")
    assert _SECRET not in found[PROBLEMS]


def test_a_mistake_of_the_program_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        collect([_broken(KeyError("own"))], str)


def test_only_the_owner_can_read_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "support.zip"
    write(path, {"one": "1", "two": "2\n"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as archive:
        assert {each: archive.read(each) for each in archive.namelist()} == {
            "one": b"1",
            "two": b"2\n",
        }


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "support.zip"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(ArchiveError, match="exists already"):
        write(path, {"one": "1"})
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="can't be written: No such file"):
        write(tmp_path / "missing" / "support.zip", {})
