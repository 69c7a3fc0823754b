import pytest

from server.errors import ServerImageError
from server.provenance import verify_release
from server.releases import Architecture, Release
from tests.server.conftest import BINARY, release_of
from tests.server.go_binaries import blob, build_lines, elf, go_binary

RELEASE = release_of(b"", BINARY)


@pytest.mark.parametrize("version", ["v1.6.1+dirty", "v1.6.1"])
def test_the_pinned_version_is_accepted_with_and_without_build_metadata(version: str) -> None:
    assert verify_release(go_binary(version=version), RELEASE).main.version == version


@pytest.mark.parametrize(
    ("binary", "release"),
    [
        pytest.param(go_binary(version="v1.6.0"), RELEASE, id="older"),
        pytest.param(go_binary(version="v1.6.10"), RELEASE, id="begins the same"),
        pytest.param(go_binary(version="v1.6.1-rc.1"), RELEASE, id="release candidate"),
        pytest.param(
            go_binary(version="v1.6.2-0.20261021163853-02223433b520"), RELEASE, id="commit"
        ),
        pytest.param(go_binary(version="(devel)"), RELEASE, id="local build"),
        pytest.param(go_binary(module="github.com/another/mcp"), RELEASE, id="fork"),
        pytest.param(
            BINARY, release_of(b"", architecture=Architecture.ARM64), id="other architecture"
        ),
        pytest.param(
            elf(blob(build_lines(settings={"GOOS": "windows", "GOARCH": "amd64"}))),
            RELEASE,
            id="other system",
        ),
        pytest.param(elf(blob(build_lines(settings={}))), RELEASE, id="no platform"),
    ],
)
def test_another_program_version_or_platform_is_refused(binary: bytes, release: Release) -> None:
    with pytest.raises(ServerImageError, match=r"releases\.py pins .*correct the checksums there"):
        verify_release(binary, release)


def test_a_file_without_build_information_is_refused() -> None:
    with pytest.raises(ServerImageError, match="isn't the server: it is no program for Linux"):
        verify_release(b"#!/bin/sh\n", RELEASE)
