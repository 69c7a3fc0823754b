import contextlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.build_information import BuildInformationError, Module, read_build_information
from server.releases import RELEASES, Architecture, find_release
from server.wheel import fetch_binary
from tests.server.go_binaries import blob, build_lines, elf, go_binary

WHEELS = Path(__file__).resolve().parents[2] / "server" / "build" / "wheels"
BINARY = go_binary()


def read_lines(*lines: str) -> list[tuple[str, str]]:
    text = "mod\texample.com/m\tv1.0.0\t\n" + "".join(f"build\t{line}\n" for line in lines)
    return list(read_build_information(elf(blob(text))).settings.items())


def test_the_main_module_and_the_toolchain_are_read() -> None:
    found = read_build_information(BINARY)

    assert found.go_version == "go1.27.3"
    assert found.main == Module(path="github.com/neo4j/mcp", version="v1.6.1+dirty")
    assert found.settings == {"-compiler": "gc", "GOARCH": "amd64", "GOOS": "linux"}


def test_dependencies_are_read_in_their_order_with_checksums() -> None:
    text = build_lines() + "dep\tb.org/x\tv2.0.0\th1:bb=\ndep\ta.org/y\tv1.0.0\th1:aa=\n"

    assert read_build_information(elf(blob(text))).dependencies == (
        Module(path="b.org/x", version="v2.0.0", checksum="h1:bb="),
        Module(path="a.org/y", version="v1.0.0", checksum="h1:aa="),
    )


def test_a_replaced_module_is_the_one_that_was_compiled() -> None:
    text = build_lines() + "dep\ta.org/x\tv1.0.0\n=>\tfork.org/x\tv1.0.1\th1:ff=\n"

    assert read_build_information(elf(blob(text))).dependencies == (
        Module(path="fork.org/x", version="v1.0.1", checksum="h1:ff=", replaced="a.org/x"),
    )


@pytest.mark.parametrize(
    ("line", "setting"),
    [
        ("GOOS=linux", ("GOOS", "linux")),
        ("-tags=", ("-tags", "")),
        ('-ldflags="-s -X main.Version=1"', ("-ldflags", "-s -X main.Version=1")),
        (r'-ldflags="a \"quoted\" \t\u00e9"', ("-ldflags", 'a "quoted" \té')),
        (r"-ldflags=`back\slash`", ("-ldflags", r"back\slash")),
        ('"a=key"=value', ("a=key", "value")),
    ],
)
def test_settings_are_read_as_go_quotes_them(line: str, setting: tuple[str, str]) -> None:
    assert read_lines(line) == [setting]


@pytest.mark.parametrize(
    "line", ["GOOS", '"key"x=value', 'key="value"x', 'key="value', r'key="\q\x"', "key=`"]
)
def test_a_malformed_setting_is_refused(line: str) -> None:
    with pytest.raises(BuildInformationError, match="damaged"):
        read_lines(line)


@pytest.mark.parametrize(
    ("binary", "reason"),
    [
        (b"", "no program for Linux"),
        (b"MZ of Windows", "no program for Linux"),
        (b"\x7fELF\x02\x01", "damaged"),
        (elf(b"", section=".data"), "wasn't built by Go"),
        (elf(b"\xff Go buildinf"), "doesn't begin as Go's does"),
        (elf(blob("", flags=0)), "before 1.18"),
        (elf(blob("path\tcommand-line-arguments\n")), "names no module"),
        (elf(blob(build_lines(), go_version="")), "names no module"),
        (elf(blob("mod\tonly a path\n")), "damaged"),
        (elf(blob(build_lines())[:60]), "damaged"),
        (elf(blob(build_lines())[:32] + b"\xff" * 20), "a text's length is wrong"),
    ],
)
def test_a_file_without_readable_build_information_is_refused(binary: bytes, reason: str) -> None:
    with pytest.raises(BuildInformationError, match=reason):
        read_build_information(binary)


def test_a_section_beyond_the_end_of_the_file_is_refused() -> None:
    size_of_last_section = len(BINARY) - 32
    longer = BINARY[:size_of_last_section] + (10**9).to_bytes(8, "little") + BINARY[-24:]

    with pytest.raises(BuildInformationError, match="truncated"):
        read_build_information(longer)


@given(st.integers(min_value=0, max_value=len(BINARY) - 1), st.binary(min_size=1, max_size=8))
def test_damage_anywhere_raises_no_other_error(position: int, damage: bytes) -> None:
    damaged = BINARY[:position] + damage + BINARY[position + len(damage) :]

    with contextlib.suppress(BuildInformationError):
        read_build_information(damaged)


@given(st.integers(min_value=0, max_value=len(BINARY) - 1))
def test_a_truncated_file_is_refused_wherever_it_ends(size: int) -> None:
    with pytest.raises(BuildInformationError):
        read_build_information(BINARY[:size])


@given(st.text())
def test_any_text_raises_no_other_error(text: str) -> None:
    with contextlib.suppress(BuildInformationError):
        read_build_information(elf(blob(text)))


@pytest.mark.program
@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize(
    "architecture",
    # Nothing else needs the other wheel, which pip would fetch.
    [Architecture.X86_64, pytest.param(Architecture.ARM64, marks=pytest.mark.slow)],
)
def test_go_prints_the_same_of_the_official_binary(
    version: str, architecture: Architecture, tmp_path: Path
) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("PATH has no go to compare with")
    binary = fetch_binary(find_release(version, architecture), WHEELS)
    path = tmp_path / "server"
    path.write_bytes(binary)
    printed = subprocess.run(
        [go, "version", "-m", path], capture_output=True, text=True, check=True, timeout=60
    ).stdout

    found = read_build_information(binary)
    assert printed.startswith(f"{path}: {found.go_version}\n")
    modules = re.findall(r"^\tdep\t(\S+)\t(\S+)\t(\S+)$", printed, re.MULTILINE)
    assert [(each.path, each.version, each.checksum) for each in found.dependencies] == modules
    assert f"\tmod\t{found.main.path}\t{found.main.version}\t" in printed
    names = re.findall(r"^\tbuild\t([^=]+)=", printed, re.MULTILINE)
    assert list(found.settings) == names
