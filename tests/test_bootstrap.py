"""bootstrap.sh when two commands need .venv at once."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.program

_ROOT = Path(__file__).resolve().parent.parent
_LIMIT = 60
_REQUIREMENTS = (
    "requirements-bootstrap.txt",
    "requirements-operate.txt",
    "requirements-dev.txt",
)
# Makes an environment whose installer waits until it is let go.
_PYTHON = f"""#!/bin/sh
case "$*" in
*"-m venv"*)
    echo made >>made
    mkdir -p .venv/bin
    cp installer .venv/bin/python ;;
*) exec {sys.executable} "$@" ;;
esac
"""
_INSTALLER = """#!/bin/sh
case "$*" in
*"-m pip"*) echo begun >begun; cat go >/dev/null ;;
*"uv pip"*) echo "$*" >>installed ;;
*sysconfig*) pwd ;;
*neo4j_mcp_client*) echo "$*" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("bootstrap.sh", *_REQUIREMENTS):
        shutil.copy(_ROOT / name, tmp_path)
    for name, text in (("python", _PYTHON), ("installer", _INSTALLER)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    for name in ("begun", "go"):
        os.mkfifo(tmp_path / name)
    return tmp_path


def _bootstrap(checkout: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["./bootstrap.sh", *arguments],
        cwd=checkout,
        env=os.environ | {"PYTHON": str(checkout / "python")},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_second_of_two_waits_for_the_first_and_installs_nothing(checkout: Path) -> None:
    first = _bootstrap(checkout)
    assert (checkout / "begun").read_text(encoding="utf-8") == "begun\n"
    second = _bootstrap(checkout)
    assert second.stderr is not None
    assert second.stderr.readline().startswith(f"Waiting for process {first.pid}, ")
    (checkout / "go").write_text("go", encoding="utf-8")
    assert first.communicate(timeout=_LIMIT) != ("", "")
    assert second.communicate(timeout=_LIMIT)[1] == ""
    assert (first.returncode, second.returncode) == (0, 0)
    assert (checkout / "made").read_text(encoding="utf-8") == "made\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_the_wait_for_another_one(number: signal.Signals, checkout: Path) -> None:
    first = _bootstrap(checkout)
    assert (checkout / "begun").read_text(encoding="utf-8") == "begun\n"
    second = _bootstrap(checkout)
    assert second.stderr is not None
    assert second.stderr.readline().startswith("Waiting for process")
    second.send_signal(number)
    assert second.communicate(timeout=_LIMIT)[1] == ""
    assert second.returncode == -number
    (checkout / "go").write_text("go", encoding="utf-8")
    first.communicate(timeout=_LIMIT)
    assert first.returncode == 0


def test_the_second_of_two_installs_after_the_first_was_killed(checkout: Path) -> None:
    first = _bootstrap(checkout)
    assert (checkout / "begun").read_text(encoding="utf-8") == "begun\n"
    second = _bootstrap(checkout)
    assert second.stderr is not None
    assert second.stderr.readline().startswith("Waiting for process")
    first.kill()
    # Its installer, which holds the lock too, ends without having finished.
    (checkout / "go").write_text("go", encoding="utf-8")
    first.communicate(timeout=_LIMIT)
    assert (checkout / "begun").read_text(encoding="utf-8") == "begun\n"
    (checkout / "go").write_text("go", encoding="utf-8")
    second.communicate(timeout=_LIMIT)
    assert second.returncode == 0
    assert (checkout / "made").read_text(encoding="utf-8") == "made\nmade\n"


def test_the_operate_requirements_are_replaced_by_all_requirements(
    checkout: Path,
) -> None:
    for arguments, requirements, mark in (
        (["operate"], "requirements-operate.txt", ".operate"),
        ([], "requirements-dev.txt", ".complete"),
    ):
        process = _bootstrap(checkout, *arguments)
        assert (checkout / "begun").read_text(encoding="utf-8") == "begun\n"
        (checkout / "go").write_text("go", encoding="utf-8")
        process.communicate(timeout=_LIMIT)
        assert process.returncode == 0
        installed = (checkout / "installed").read_text(encoding="utf-8").splitlines()
        assert installed[-1].endswith(requirements)
        assert (checkout / ".venv" / mark).exists()


def test_the_clients_command_is_in_the_environment(checkout: Path) -> None:
    process = _bootstrap(checkout, "operate")
    assert (checkout / "begun").read_text(encoding="utf-8") == "begun\n"
    (checkout / "go").write_text("go", encoding="utf-8")
    process.communicate(timeout=_LIMIT)
    found = subprocess.run(
        [checkout / ".venv" / "bin" / "neo4j-mcp", "query", "RETURN 1 AS one"],
        capture_output=True,
        check=True,
        text=True,
        timeout=_LIMIT,
    )
    assert found.stdout == "-m neo4j_mcp_client query RETURN 1 AS one\n"


def test_another_set_of_requirements_is_refused(checkout: Path) -> None:
    process = _bootstrap(checkout, "everything")
    assert process.communicate(timeout=_LIMIT)[1] == "usage: ./bootstrap.sh [operate]\n"
    assert process.returncode == 2
