"""What is printed while calls are made."""

from automation.load.progress import Progress


def test_a_line_is_printed_in_every_interval_in_which_a_call_ends() -> None:
    now = 0.0
    lines: list[str] = []
    progress = Progress(lines.append, interval=10.0, clock=lambda: now)
    now = 100.0
    progress.start(60.0)
    for number in range(50):
        now = 100.0 + number / 2
        progress.count(failed=number % 10 == 0)
    assert lines == [
        "… 10 of 60 s: 21 calls, 3 failed, 2.1 per second now",
        "… 20 of 60 s: 41 calls, 5 failed, 2.0 per second now",
    ]
