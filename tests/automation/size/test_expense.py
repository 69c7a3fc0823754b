"""What is announced before a stack is measured."""

from decimal import Decimal

import pytest

from automation.load.mix import DEFAULT, Entry, Mix, read_mix
from automation.size.calibration import Ladder
from automation.size.expense import announcement, expense
from automation.size.measurements import Size
from components.settings import Hosting

_LADDER = Ladder(
    callers=(1, 8),
    shares=(0.5, 0.6),
    rounds=10,
    seconds=20,
    rate_seconds=30,
    warm_up=5,
    first=25,
)
_INSTANCE = Size(hosting=Hosting.APP_RUNNER, cpu=1024, memory=2048)
_FUNCTION = Size(hosting=Hosting.LAMBDA, cpu=None, memory=512)


def test_the_expense_is_that_of_tokens_answers_and_logs() -> None:
    # 41 tokens, and 246,000 calls with 0.984 GB of answers and 0.246 GB of logs.
    assert expense(_LADDER, _INSTANCE) == pytest.approx(
        Decimal("0.09225") + Decimal("0.08856") + Decimal("0.123")
    )


def test_lambda_is_paid_for_each_call() -> None:
    # 0.20 USD a million, and 0.1 s of half a gigabyte for each.
    calls = Decimal("0.0492") + Decimal(246_000) * Decimal("0.05") * Decimal("0.0000166667")

    assert expense(_LADDER, _FUNCTION) - expense(_LADDER, _INSTANCE) == pytest.approx(calls)


def test_the_announcement_has_duration_writes_and_cost() -> None:
    lines = list(announcement(_LADDER, read_mix(DEFAULT), _INSTANCE))

    assert "41 runs with up to 8 callers at the same time, about 22 minutes" in lines[0]
    assert lines[1].startswith("1 of 10 calls write")
    assert lines[2].startswith("About 0.30 USD for 41 tokens and 246,000 calls")


def test_calls_that_only_read_announce_no_writes() -> None:
    mix = Mix(entries=(Entry(name="schema", tool="get-schema"),))

    assert not any("write" in line for line in announcement(_LADDER, mix, _INSTANCE))
