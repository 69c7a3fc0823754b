import io
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from localcloud.progress import Progress


def _lines(output: io.StringIO) -> list[str]:
    return [re.sub(r"\d+\.\d s", "N s", line) for line in output.getvalue().splitlines()]


def test_a_log_has_a_line_when_a_long_step_begins_and_when_any_step_ends() -> None:
    output = io.StringIO()
    progress = Progress(Console(file=output))
    with progress.step("Building", expect="about 5 minutes, once"):
        progress.note("halfway")
    with progress.step("Starting"):
        pass
    assert _lines(output) == [
        "… Building (about 5 minutes, once)",
        "halfway",
        "✓ Building N s",
        "✓ Starting N s",
    ]


def test_a_step_that_fails_is_shown_as_failed() -> None:
    output = io.StringIO()
    progress = Progress(Console(file=output))
    with pytest.raises(ZeroDivisionError), progress.step("Dividing"):
        _ = 1 / 0
    assert _lines(output) == ["✗ Dividing N s"]


def test_steps_run_in_parallel_on_a_terminal() -> None:
    output = io.StringIO()
    progress = Progress(Console(file=output, force_terminal=True, width=60))

    def work(number: int) -> None:
        with progress.step(f"Step {number}"):
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(20)))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.getvalue())
    assert all(f"✓ Step {number} " in shown for number in range(20))
