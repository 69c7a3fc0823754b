"""Text from outside is never markup: rich's brackets, its emoji names, a terminal's escapes."""

import ast
import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console
from rich.table import Table

import automation.terminal
import localcloud.terminal
from automation.checks.results import Exchange, Outcome, Report, Result
from automation.deployment import Changes, Step
from automation.report import terminal as report_terminal
from demo import __main__ as demo
from demo.scenario import Step as DemoStep
from localcloud.progress import Progress
from tests.automation.reports import report

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = [
    pytest.param(text, id=name)
    for name, text in {
        "an emoji's name": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x",
        "a style": "[red]x[/red]",
        "a closing tag without an opening one": "[/]",
        "a link": "[link=https://example.com]x[/link]",
    }.items()
]
ESCAPES = "\x1b[2Jgone\x07\u202e"
ESCAPED = r"\x1b[2Jgone\x07\u202e"


def _report(text: str) -> Report:
    result = Result(
        id="P2-claims",
        sentence=text,
        outcome=Outcome.FAILED,
        reason=text,
        seconds=1.0,
        evidence=(Exchange(request=text, response=text),),
    )
    return report().model_copy(update={"stack": text, "results": (result,)})


def _changes(text: str) -> Changes:
    step = Step(urn=f"urn::{text}", type="aws:x", operation="update", properties=(text,))
    return Changes(counts={text: 1}, resources={step.urn: text}, steps=(step,))


def _step(text: str, console: Console) -> None:
    progress = Progress(console)
    with progress.step(text, expect=text):
        progress.note(text)


RENDERERS: dict[str, Callable[[str, Console], None]] = {
    "the report": lambda text, console: report_terminal.print_report(_report(text), console),
    "a result": lambda text, console: report_terminal.print_result(
        _report(text).results[0], console
    ),
    "an event": lambda text, console: report_terminal.print_event("drill", 1.0, text, console),
    "changes": lambda text, console: report_terminal.print_changes(text, _changes(text), console),
    "a step of a start": _step,
    "a message": lambda text, console: console.print(text),
}
FACTORIES = [automation.terminal, localcloud.terminal]


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda module: module.__name__)
@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("text", OUTSIDE)
def test_text_from_outside_is_printed_literally(
    factory: ModuleType, renderer: str, text: str
) -> None:
    written = io.StringIO()
    RENDERERS[renderer](text, factory.console(file=written, width=400))
    assert text in written.getvalue()


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda module: module.__name__)
@pytest.mark.parametrize("renderer", RENDERERS)
def test_text_from_outside_does_not_control_the_terminal(
    factory: ModuleType, renderer: str
) -> None:
    written = io.StringIO()
    RENDERERS[renderer](ESCAPES, factory.console(file=written, width=400))
    assert ESCAPED in written.getvalue()
    assert not set("\x1b\x07\u202e") & set(written.getvalue())


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda module: module.__name__)
@pytest.mark.parametrize("text", OUTSIDE)
def test_titles_headings_and_errors_are_printed_literally(
    factory: ModuleType, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written = io.StringIO()
    table = Table(text, title=text)
    table.add_row(factory.styled(text, "red"))
    factory.console(file=written, width=100).print(table)
    assert written.getvalue().count(text) == 3
    factory.print_error(text)
    assert capsys.readouterr().err == f"error: {text}\n"


@pytest.mark.parametrize("text", OUTSIDE)
def test_the_demo_prints_results_literally(
    text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    demo.print_steps([DemoStep(action=text, result=text, passed=True)])
    assert capsys.readouterr().out.count(text) == 2


@pytest.mark.parametrize("folder", ["automation", "localcloud/src/localcloud", "demo"])
def test_only_the_factories_make_consoles(folder: str) -> None:
    for file in set((ROOT / folder).rglob("*.py")) - {ROOT / folder / "terminal.py"}:
        text = file.read_text(encoding="utf-8")
        assert "rich.markup" not in text, file
        made = [
            node.lineno
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "Console"
        ]
        assert not (made and "from rich.console import Console" in text), (file, made)
