import os
import stat
import threading
from pathlib import Path

import certifi
import pytest

import server
from server.context import BuildContext, prepare_context
from server.errors import ServerImageError
from tests.server.conftest import BINARY

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


DOCKERFILE = Path(server.__file__).with_name("Dockerfile")


def prepare(
    build: Path, trusted: str = "", *, binary: bytes = BINARY, dockerfile: Path = DOCKERFILE
) -> BuildContext:
    return prepare_context(
        "1.6.1",
        trusted_certificates=trusted,
        build=build,
        dockerfile=dockerfile,
        fetch=lambda _release, _cache: binary,
    )


def test_the_context_contains_what_the_image_is_built_from(tmp_path: Path) -> None:
    context = prepare(tmp_path)

    assert {path.name for path in context.directory.iterdir()} == {
        "Dockerfile",
        "ca-certificates.crt",
        "neo4j-mcp-server",
        "zoneinfo.zip",
    }
    assert (context.directory / "neo4j-mcp-server").read_bytes() == BINARY
    assert (context.directory / "ca-certificates.crt").read_bytes() == Path(
        certifi.where()
    ).read_bytes()
    assert context.dockerfile.read_text(encoding="utf-8").startswith("# ")
    assert context.arguments == {"VERSION": "1.6.1", "SOURCE_DATE_EPOCH": "315532800"}


def test_trusted_certificates_are_added_to_the_public_ones(tmp_path: Path) -> None:
    bundle = (prepare(tmp_path, CERTIFICATE).directory / "ca-certificates.crt").read_text(
        encoding="utf-8"
    )

    assert bundle.startswith(Path(certifi.where()).read_text(encoding="utf-8"))
    assert bundle.endswith(CERTIFICATE)


def test_the_same_content_has_the_same_tag_everywhere(tmp_path: Path) -> None:
    one, other = prepare(tmp_path / "one"), prepare(tmp_path / "other")

    assert one.tag == other.tag
    assert one.tag.startswith("1.6.1-")
    assert one.directory.name == one.tag


def test_different_content_has_a_different_tag(tmp_path: Path) -> None:
    tags = {prepare(tmp_path).tag, prepare(tmp_path, CERTIFICATE).tag}
    tags.add(prepare(tmp_path, binary=b"next").tag)

    assert len(tags) == 3


def test_modes_and_times_are_the_same_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        directory = prepare(tmp_path).directory
    finally:
        os.umask(before)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert modes == {
        "Dockerfile": 0o644,
        "ca-certificates.crt": 0o644,
        "neo4j-mcp-server": 0o755,
        "zoneinfo.zip": 0o644,
    }
    assert {path.stat().st_mtime for path in directory.iterdir()} == {315_532_800}


def test_line_endings_of_a_checkout_or_a_certificate_file_change_nothing(tmp_path: Path) -> None:
    unix = prepare(tmp_path, CERTIFICATE)
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_bytes(unix.dockerfile.read_bytes().replace(b"\n", b"\r\n"))
    windows = prepare(
        tmp_path / "windows", CERTIFICATE.replace("\n", "\r\n"), dockerfile=dockerfile
    )

    assert windows.tag == unix.tag
    assert b"\r" not in windows.dockerfile.read_bytes()


def test_an_existing_context_is_reused(tmp_path: Path) -> None:
    first = prepare(tmp_path).directory.stat().st_ino

    assert prepare(tmp_path).directory.stat().st_ino == first


@pytest.mark.parametrize("damage", ["changed", "missing", "additional"])
def test_a_damaged_context_is_replaced(tmp_path: Path, damage: str) -> None:
    directory = prepare(tmp_path).directory
    binary = directory / "neo4j-mcp-server"
    if damage == "changed":
        binary.write_bytes(b"tampered")
    elif damage == "missing":
        binary.unlink()
    else:
        (directory / "more").write_bytes(b"more")

    assert prepare(tmp_path).directory == directory
    assert binary.read_bytes() == BINARY
    assert not (directory / "more").exists()


@pytest.mark.parametrize("damaged", [False, True])
def test_concurrent_runs_leave_one_complete_context(
    tmp_path: Path,
    damaged: bool,
) -> None:
    if damaged:
        (prepare(tmp_path).directory / "neo4j-mcp-server").write_bytes(b"half a ser")
    contexts: list[BuildContext] = []
    together = threading.Barrier(6)

    def run() -> None:
        together.wait(timeout=10)
        contexts.append(prepare(tmp_path))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert len(contexts) == 6
    assert {path.name for path in (tmp_path / "contexts").iterdir()} == {contexts[0].tag}
    assert (contexts[0].directory / "neo4j-mcp-server").read_bytes() == BINARY


def test_a_damaged_context_that_cannot_be_replaced_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = prepare(tmp_path).directory
    (directory / "neo4j-mcp-server").write_bytes(b"half a ser")
    monkeypatch.setattr(Path, "rename", _refuse)

    with pytest.raises(ServerImageError, match="is damaged and can't be replaced: delete it"):
        prepare(tmp_path)


def _refuse(_path: Path, _target: Path) -> Path:
    raise PermissionError


def test_an_unknown_version_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ServerImageError, match="no pinned checksums"):
        prepare_context("0.0.1", trusted_certificates="", build=tmp_path)
    assert list(tmp_path.iterdir()) == []
