import datetime as dt
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo4j_mcp_client import BackOff
from neo4j_mcp_client.retries import parse_retry_after

seconds = st.floats(min_value=0, max_value=120)
fractions = st.floats(min_value=0, max_value=1)


@given(attempt=st.integers(1, 10), elapsed=seconds, asked=st.none() | seconds, fraction=fractions)
def test_a_pause_keeps_every_promise(
    attempt: int, elapsed: float, asked: float | None, fraction: float
) -> None:
    back_off = BackOff(attempts=5, first=0.5, longest=8, limit=30)
    pause = back_off.pause(
        attempt,
        elapsed=elapsed,
        retry_after=asked,
        jitter=lambda low, high: low + (high - low) * fraction,
    )
    wanted = (asked or 0.0) + fraction * min(8, 0.5 * 2 ** (attempt - 1))
    if attempt >= 5 or elapsed + wanted >= 30:
        assert pause is None
    else:
        assert pause is not None
        assert pause == pytest.approx(wanted)
        assert pause >= (asked or 0.0)


def test_pauses_are_spread() -> None:
    pauses = {BackOff().pause(3, elapsed=0) for _ in range(50)}
    assert len(pauses) > 40
    assert all(pause is not None and 0 <= pause <= 2 for pause in pauses)


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, None), ("", None), ("soon", None), ("0", 0), ("7", 7), (" 7 ", 7), ("-3", None)],
)
def test_retry_after_in_seconds(header: str | None, expected: float | None) -> None:
    assert parse_retry_after(header) == expected


def test_retry_after_as_a_date() -> None:
    now = dt.datetime.now(dt.UTC)
    ahead = parse_retry_after(format_datetime(now + dt.timedelta(seconds=90), usegmt=True))
    assert ahead == pytest.approx(90, abs=2)
    assert parse_retry_after(format_datetime(now - dt.timedelta(hours=1), usegmt=True)) == 0
