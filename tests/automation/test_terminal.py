"""What is printed to a file or a pipe isn't cut where a terminal would end."""

import io

import pytest

from automation.terminal import console

_LONG = "x" * 150


def test_a_file_has_no_edge_at_80_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    file = io.StringIO()
    console(file=file).print(_LONG)
    assert file.getvalue() == f"{_LONG}\n"


def test_a_chosen_width_counts_without_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    file = io.StringIO()
    console(file=file).print(_LONG)
    console(file=file, width=120).print(_LONG)
    assert [len(each) for each in file.getvalue().splitlines()] == [100, 50, 120, 30]
