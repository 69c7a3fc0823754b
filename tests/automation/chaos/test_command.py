"""The options of `python -m automation chaos`, and what goes wrong with them."""

import pytest
from typer.testing import CliRunner

from automation.commands import app

WIDE = {"COLUMNS": "300", "TERM": "dumb"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fault", "flood"), "--fault: must be one of token-endpoint-slow,"),
        (
            ("--fault", "database-away", "--figures", "figures.json"),
            "--figures: can't be combined with --fault",
        ),
        (("--writes", "0"), "greater than or equal to 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: tuple[str, ...], words: str) -> None:
    done = CliRunner().invoke(app, ["chaos", "--stack", "dev", *options], env=WIDE)
    assert done.exit_code == 2
    assert words in done.output
