import re

import pytest

from server.errors import ServerImageError
from server.releases import RELEASES, Architecture, find_release


def test_a_pinned_release_is_found() -> None:
    release = find_release("1.6.1")

    assert release.version == "1.6.1"
    assert release.wheel_name == "neo4j_mcp_server-1.6.1-py3-none-manylinux_2_17_x86_64.whl"


def test_an_unknown_release_is_refused_with_the_way_to_add_it() -> None:
    with pytest.raises(ServerImageError, match=r"version 9\.9\.9 .*known: .*1\.6\.1.*releases\.py"):
        find_release("9.9.9")


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("architecture", Architecture)
def test_checksums_are_sha256(version: str, architecture: Architecture) -> None:
    release = find_release(version, architecture)

    assert (release.version, release.architecture) == (version, architecture)
    assert re.fullmatch(r"[0-9a-f]{64}", release.wheel_sha256)
    assert re.fullmatch(r"[0-9a-f]{64}", release.binary_sha256)


def test_each_architecture_has_its_own_wheel() -> None:
    names = [find_release("1.6.1", architecture).wheel_name for architecture in Architecture]

    assert names == [
        "neo4j_mcp_server-1.6.1-py3-none-manylinux_2_17_x86_64.whl",
        "neo4j_mcp_server-1.6.1-py3-none-manylinux_2_17_aarch64.whl",
    ]
