import shlex
import sys
from pathlib import Path

import pytest

from automation.child_process import CommandError
from automation.controls import Controls, run


def python(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


def test_commands_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAUSE", "RESUME", "CONNECT", "DETOUR"):
        monkeypatch.delenv(f"AUTOMATION_{name}_DATABASE", raising=False)
    assert Controls.from_environment() == Controls()
    monkeypatch.setenv("AUTOMATION_PAUSE_DATABASE", "stop it")
    assert Controls.from_environment() == Controls(pause_database="stop it")


def test_a_command_reads_its_document_and_runs_in_the_repository(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    code = f"import os, sys; open({str(kept)!r}, 'w').write(os.getcwd() + sys.stdin.read())"
    run(python(code), {"audience": ["a b"]})
    repository = Path(__file__).resolve().parents[2]
    assert kept.read_text(encoding="utf-8") == f'{repository}{{"audience": ["a b"]}}'


def test_the_error_of_a_failed_command_has_the_end_of_its_output() -> None:
    with pytest.raises(CommandError, match="status 3: no database here"):
        run(python("import sys; sys.stderr.write('no database here'); sys.exit(3)"))


def test_a_missing_command_is_an_error() -> None:
    with pytest.raises(CommandError, match="no-such-command"):
        run("no-such-command at all")
