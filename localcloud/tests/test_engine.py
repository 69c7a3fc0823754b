from pathlib import Path

import pytest

from localcloud.engine import cli
from localcloud.errors import LocalCloudError
from localcloud.progress import Progress


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of commands on PATH; the others are the system's."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    return directory


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command of an installation that was built earlier."""
    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path / "cache"))
    installation = tmp_path / "cache" / "engine" / "pulumi-v3.274.1-python-v3.79.0"
    return command(installation / "pulumi", prints="v3.274.1")


def command(path: Path, *, prints: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {prints}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_pinned_version_is_supported() -> None:
    version = cli.required_version(cli.ENGINE_MODULE, "github.com/pulumi/pulumi/pkg/v3")
    assert cli.is_supported(version)


@pytest.mark.parametrize(
    ("module", "requirement"),
    [
        (cli.ENGINE_MODULE, "github.com/pulumi/pulumi/pkg/v3"),
        (cli.ENGINE_MODULE, "github.com/pulumi/pulumi/sdk/v3"),
        (cli.LANGUAGE_HOST_MODULE, "github.com/pulumi/pulumi/sdk/v3"),
    ],
)
def test_all_sources_of_the_engine_have_a_checksum(module: Path, requirement: str) -> None:
    sums = (module / "go.sum").read_text(encoding="utf-8")
    assert f"{requirement} {cli.required_version(module, requirement)} h1:" in sums


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


def test_a_module_without_the_requirement_is_refused(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module empty\n", encoding="utf-8")
    with pytest.raises(LocalCloudError, match=r"go\.mod doesn't require example\.com/engine"):
        cli.required_version(tmp_path, "example.com/engine")


def test_an_installation_on_path_is_used(on_path: Path, cached: Path) -> None:
    installed = command(on_path / "pulumi", prints="v3.280.0")
    command(on_path / "pulumi-language-python", prints="")
    assert cli.ensure(Progress()) == installed != cached


def test_the_language_host_next_to_a_linked_command_is_found(
    on_path: Path, cached: Path, tmp_path: Path
) -> None:
    real = command(tmp_path / "pulumi" / "bin" / "pulumi", prints="v3.280.0")
    command(real.with_name("pulumi-language-python"), prints="")
    (on_path / "pulumi").symlink_to(real)
    assert cli.ensure(Progress()) == on_path / "pulumi" != cached


def test_a_command_on_path_without_a_language_host_is_not_used(on_path: Path, cached: Path) -> None:
    command(on_path / "pulumi", prints="v3.280.0")
    assert cli.ensure(Progress()) == cached


def test_an_old_installation_on_path_is_not_used(on_path: Path, cached: Path) -> None:
    command(on_path / "pulumi", prints="v3.271.0")
    command(on_path / "pulumi-language-python", prints="")
    assert cli.ensure(Progress()) == cached


def test_a_failed_build_reports_what_go_prints(
    on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path / "cache"))
    go = on_path / "go"
    go.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo go version go1.26.6 linux/amd64 && exit\n'
        "echo 'dial tcp: no route to host' >&2\nexit 1\n",
        encoding="utf-8",
    )
    go.chmod(0o755)
    with pytest.raises(LocalCloudError, match=r"(?s)Install the Pulumi CLI 3\.272\.0.*no route"):
        cli.ensure(Progress())
    assert list((tmp_path / "cache" / "engine").glob("pulumi-*/pulumi")) == []
