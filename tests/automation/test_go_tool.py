"""Which tools are built from Go modules, and with which Go."""

import pytest

from automation.chaos.toxiproxy import Toxiproxy
from automation.go_tool import GoTool, go_version, pinned_version
from automation.load.vegeta import Vegeta


@pytest.mark.parametrize("tool", [Vegeta, Toxiproxy])
def test_the_version_is_the_pinned_one(tool: type[GoTool]) -> None:
    version = pinned_version((tool.pins / "go.mod").read_text(encoding="utf-8"), tool.go_module)
    sums = (tool.pins / "go.sum").read_text(encoding="utf-8")
    assert f"{tool.go_module} v{version} h1:" in sums


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
