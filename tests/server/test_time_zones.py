import io
import zipfile
from zoneinfo import ZoneInfo

import pytest

from server.time_zones import time_zones


@pytest.fixture(scope="module")
def archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(time_zones()))


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "US/Eastern", "Etc/GMT+5"]
)
def test_a_zone_is_found_by_its_name(archive: zipfile.ZipFile, name: str) -> None:
    with archive.open(name) as content:
        assert ZoneInfo.from_file(content, key=name).key == name


def test_every_entry_is_stored_as_go_requires_and_independent_of_the_machine(
    archive: zipfile.ZipFile,
) -> None:
    entries = archive.infolist()

    assert len(entries) > 500
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.create_system for entry in entries} == {3}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}


def test_two_archives_are_the_same_bytes() -> None:
    assert time_zones() == time_zones()
