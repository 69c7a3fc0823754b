"""The command line of an audit."""

import pytest
from typer.testing import CliRunner

from automation.commands import app


@pytest.mark.parametrize("since", ["", "24", "0h", "1y", "91d", "-1h", "2161h", "9999999d"])
def test_a_period_must_be_within_cloudtrails_event_history(since: str) -> None:
    done = CliRunner().invoke(app, ["audit", "--stack", "dev", f"--since={since}"])

    assert done.exit_code == 2
    # The message is wrapped in a box.
    assert "at most 90d" in " ".join(done.output.replace("│", " ").split())
