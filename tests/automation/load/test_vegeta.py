"""Which vegeta is built, and with which Go."""

from pathlib import Path

import pytest

import automation.load
from automation.load.vegeta import go_version, pinned_version

MODULE = Path(automation.load.__path__[0]) / "vegeta_module"


def test_the_version_is_the_pinned_one() -> None:
    version = pinned_version((MODULE / "go.mod").read_text(encoding="utf-8"))
    sums = (MODULE / "go.sum").read_text(encoding="utf-8")
    assert f"github.com/tsenart/vegeta/v12 v{version} h1:" in sums


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("go version go1.26.6 linux/amd64", (1, 26, 6)),
        ("go version go1.24 darwin/arm64", (1, 24)),
        ("command not found", ()),
    ],
)
def test_gos_version_is_parsed(text: str, expected: tuple[int, ...]) -> None:
    assert go_version(text) == expected
