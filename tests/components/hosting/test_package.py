import os
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from components.hosting.lambda_.package import ServerPackage, prepare_package
from server.releases import Architecture, Release
from tests.repository import ROOT


def prepare(folder: Path, *, certificates: str = "") -> ServerPackage:
    def fetch(release: Release, _cache: Path) -> bytes:
        return f"binary for {release.architecture}".encode()

    return prepare_package(
        "1.6.1",
        Architecture.ARM64,
        trusted_certificates=certificates,
        wheels=folder / "wheels",
        build=folder / "build",
        fetch=fetch,
    )


def test_the_package_has_the_binary_its_files_and_the_handler(tmp_path: Path) -> None:
    package = prepare(tmp_path)

    with zipfile.ZipFile(package.path) as archive:
        names = set(archive.namelist())
        assert archive.read("neo4j-mcp-server") == b"binary for arm64"
        assert archive.getinfo("neo4j-mcp-server").external_attr >> 16 == 0o100755
        assert b"BEGIN CERTIFICATE" in archive.read("ca-certificates.crt")
        assert archive.read("zoneinfo.zip").startswith(b"PK")
    modules = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "functions" / "server").glob("*.py")
    }
    assert names == {
        "neo4j-mcp-server",
        "ca-certificates.crt",
        "zoneinfo.zip",
        "functions/__init__.py",
        *modules,
    }


def test_the_same_content_is_the_same_package(tmp_path: Path) -> None:
    first = prepare(tmp_path)

    assert prepare(tmp_path) == first
    assert [path.name for path in (tmp_path / "build").iterdir()] == [first.path.name]


@pytest.mark.parametrize("certificates", ["-----BEGIN CERTIFICATE-----\nprivate\n"])
def test_other_certificates_make_another_package(tmp_path: Path, certificates: str) -> None:
    package = prepare(tmp_path, certificates=certificates)

    assert package.code_sha256 != prepare(tmp_path).code_sha256
    with zipfile.ZipFile(package.path) as archive:
        assert archive.read("ca-certificates.crt").endswith(b"private\n")


# Prints the hash of the package that the checkout in the working directory makes.
_PREPARE = """
from pathlib import Path
from components.hosting.lambda_.package import prepare_package
from server.releases import Architecture

print(
    prepare_package(
        "1.6.1",
        Architecture.X86_64,
        trusted_certificates="",
        build=Path("build"),
        fetch=lambda release, wheels: b"binary",
    ).code_sha256
)
"""


@pytest.mark.program
def test_two_checkouts_make_the_same_package(tmp_path: Path) -> None:
    hashes = set()
    for umask in (0o022, 0o077):
        checkout = tmp_path / f"{umask:o}" / "checkout"
        before = os.umask(umask)
        try:
            for package in ("components", "functions", "server"):
                shutil.copytree(
                    ROOT / package,
                    checkout / package,
                    ignore=shutil.ignore_patterns("build", "__pycache__"),
                    # Without the modes and times of the original.
                    copy_function=shutil.copyfile,
                )
            done = subprocess.run(
                [sys.executable, "-c", _PREPARE],
                cwd=checkout,
                check=True,
                capture_output=True,
                text=True,
                timeout=120,
            )
        finally:
            os.umask(before)
        hashes.add(done.stdout)

    assert len(hashes) == 1


# Source: the ELF specification, and "Lambda quotas" in the AWS Lambda Developer Guide.
_MACHINES = {Architecture.X86_64: 0x3E, Architecture.ARM64: 0xB7}
_INTERPRETER = 3
_LARGEST_UPLOAD = 50 * 1024 * 1024
_LARGEST_UNPACKED = 250 * 1024 * 1024


@pytest.mark.slow
@pytest.mark.parametrize("architecture", list(Architecture))
def test_the_official_binary_is_for_the_architecture_and_needs_no_library(
    tmp_path: Path, architecture: Architecture
) -> None:
    package = prepare_package(
        "1.6.1", architecture, trusted_certificates="", build=tmp_path / "build"
    )

    assert package.path.stat().st_size < _LARGEST_UPLOAD
    with zipfile.ZipFile(package.path) as archive:
        assert sum(each.file_size for each in archive.infolist()) < _LARGEST_UNPACKED
        binary = archive.read("neo4j-mcp-server")
    assert binary.startswith(b"\x7fELF\x02\x01")
    (machine,) = struct.unpack_from("<H", binary, 18)
    assert machine == _MACHINES[architecture]
    assert _INTERPRETER not in _segment_types(binary)


def _segment_types(binary: bytes) -> set[int]:
    (start,) = struct.unpack_from("<Q", binary, 32)
    size, number = struct.unpack_from("<HH", binary, 54)
    return {struct.unpack_from("<I", binary, start + size * each)[0] for each in range(number)}
