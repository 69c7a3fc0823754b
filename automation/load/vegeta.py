"""vegeta, the program that makes the calls."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from automation.go_tool import GoTool


@dataclass(frozen=True, kw_only=True)
class Vegeta(GoTool):
    """An installed vegeta."""

    command: ClassVar = "vegeta"
    go_module: ClassVar = "github.com/tsenart/vegeta/v12"
    package: ClassVar = go_module
    pins: ClassVar = Path(__file__).with_name("vegeta_module")
