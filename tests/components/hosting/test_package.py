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
