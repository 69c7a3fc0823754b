from pathlib import Path

import pytest

from localcloud.engine import cli
from localcloud.errors import LocalCloudError
from localcloud.progress import Progress

_MODULE = Path(cli.__file__).parent / "module"


def test_the_pinned_version_is_supported() -> None:
    version = cli.pinned_version((_MODULE / "go.mod").read_text(encoding="utf-8"))
    assert cli.is_supported(version)


def test_every_module_of_the_build_has_a_checksum() -> None:
    sums = (_MODULE / "go.sum").read_text(encoding="utf-8")
    version = cli.pinned_version((_MODULE / "go.mod").read_text(encoding="utf-8"))
    assert f"github.com/pulumi/pulumi/pkg/v3 {version} h1:" in sums


@pytest.mark.parametrize(
    ("version", "supported"),
    [
        ("v3.272.0", True),
        ("v3.300.1", True),
        ("v3.271.9", False),
        ("v2.99.0", False),
        ("v4.0.0", False),
        ("", False),
    ],
)
def test_is_supported(version: str, supported: bool) -> None:
    assert cli.is_supported(version) is supported


def test_a_module_without_the_engine_is_refused() -> None:
    with pytest.raises(LocalCloudError, match="doesn't require the Pulumi engine"):
        cli.pinned_version("module empty\n")


def test_a_cli_on_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "pulumi"
    command.write_text("#!/bin/sh\necho v3.280.0\n", encoding="utf-8")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert cli.ensure(Progress()) == command
