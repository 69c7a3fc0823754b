"""A small wheel instead of the official one, and a stand-in for pip."""

import hashlib
import io
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from server.releases import Architecture, Release
from tests.server.go_binaries import go_binary

BINARY = go_binary()


def wheel_of(binary: bytes, name: str = "neo4j_mcp_server/bin/neo4j-mcp-server") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), binary)
    return packed.getvalue()


def release_of(
    wheel: bytes,
    binary: bytes = BINARY,
    version: str = "1.6.1",
    architecture: Architecture = Architecture.X86_64,
) -> Release:
    return Release(
        version=version,
        architecture=architecture,
        wheel_sha256=hashlib.sha256(wheel).hexdigest(),
        binary_sha256=hashlib.sha256(binary).hexdigest(),
    )


@dataclass
class Pip:
    """Stands in for `pip download`: writes its wheel to the requested folder."""

    wheel: bytes
    calls: list[list[str]] = field(default_factory=list)
    fails: str = ""
    hangs: bool = False
    name: str = ""

    def run(self, command: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
        self.calls.append(list(command))
        assert options["timeout"]
        if self.hangs:
            raise subprocess.TimeoutExpired(list(command), 300)
        if self.fails:
            return subprocess.CompletedProcess(list(command), 1, "", self.fails)
        directory = Path(command[command.index("--dest") + 1])
        name = self.name or "neo4j_mcp_server-1.6.1-py3-none-manylinux_2_17_x86_64.whl"
        (directory / name).write_bytes(self.wheel)
        return subprocess.CompletedProcess(list(command), 0, "", "")


@pytest.fixture
def use_pip(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pip], Pip]:
    def use(pip: Pip) -> Pip:
        monkeypatch.setattr("server.wheel.subprocess.run", pip.run)
        return pip

    return use
