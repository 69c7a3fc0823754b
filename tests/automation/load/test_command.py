"""The options of `python -m automation load`, and what goes wrong with them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from automation.commands import app

WIDE = {"COLUMNS": "300", "TERM": "dumb"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "exactly one is required"),
        (("--rate", "5", "--concurrency", "5"), "exactly one is required"),
        (("--rate", "5", "--shape", "ramp"), "--peak: is required with --shape ramp"),
        (("--rate", "5", "--shape", "spike"), "--peak: is required with --shape ramp"),
        (("--rate", "5", "--peak", "9"), "can't be combined with steady"),
        (
            ("--concurrency", "5", "--shape", "ramp", "--peak", "9"),
            "--concurrency: can't be combined with --shape",
        ),
        (("--rate", "5", "--compare", "bolt,gremlin"), "--compare: has gremlin, but can only have"),
        (
            ("--rate", "5", "--shape", "ramp", "--peak", "9", "--compare", "bolt"),
            "--compare: can't be combined with --shape",
        ),
        (
            ("--rate", "5", "--compare", "bolt", "--container", "http://instance:8000"),
            "--container: needs --compare container",
        ),
        (
            ("--rate", "5", "--compare", "bolt", "--client", "a", "--client", "b"),
            "--compare: can't be combined with several --client",
        ),
        (("--concurrency", "5", "--random"), "--random: needs --rate"),
        (("--rate", "0"), "greater than or equal to 0.1"),
        (("--concurrency", "0"), "greater than or equal to 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: tuple[str, ...], words: str) -> None:
    done = CliRunner().invoke(app, ["load", "--stack", "dev", *options], env=WIDE)
    assert done.exit_code == 2
    assert words in done.output


def test_a_wrong_mix_is_reported_before_the_stack_is_read(tmp_path: Path) -> None:
    mix = tmp_path / "mix.yaml"
    mix.write_text("calls: []", encoding="utf-8")
    options = ["--stack", "none", "--rate", "1", "--mix", str(mix)]
    done = CliRunner().invoke(app, ["load", *options])
    assert "mix.yaml is wrong" in str(done.exception)
