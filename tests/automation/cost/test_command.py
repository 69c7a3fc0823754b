"""The command line of `python -m automation cost`, as far as it needs no stack."""

import pytest
from typer.testing import CliRunner

from automation.commands import app


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (("--host", "lambda", "--only", "host"), "combined with --host"),
        (("--host", "ecs"), "ecs"),
        (("--only", "database"), "database"),
        (("--calls-per-second", "-1"), "calls-per-second"),
        (("--calls-per-second", "inf"), "calls-per-second"),
        (("--seconds-per-call", "nan"), "seconds-per-call"),
    ],
)
def test_wrong_options_are_refused_before_a_stack_is_read(
    arguments: tuple[str, ...], reported: str
) -> None:
    done = CliRunner().invoke(app, ["cost", "--stack", "dev", *arguments], env={"COLUMNS": "200"})

    assert done.exit_code == 2
    assert reported in done.output
