import pytest

from automation.drills.records import Record
from automation.drills.slicing import slice_width, traffic


def call(began: float, ended: float, failure: str = "") -> Record:
    return Record(caller=0, began=began, ended=ended, failure=failure)


def test_every_call_is_in_the_slice_in_which_it_ended() -> None:
    calls = [call(0.0, 0.05), call(0.05, 0.08), call(0.1, 0.35, "HTTP 503"), call(0.4, 0.45)]
    seen = traffic("callers", 1, calls)
    assert seen.width == 0.1
    assert [each.began for each in seen.slices] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert [each.answered for each in seen.slices] == [2, 0, 0, 0, 1]
    assert [each.failures for each in seen.slices] == [{}, {}, {}, {"HTTP 503": 1}, {}]
    assert (seen.slices[0].median, seen.slices[0].longest) == (0.04, 0.05)
    assert seen.slices[3].longest_failed == 0.25
    assert (seen.calls, seen.failures) == (4, {"HTTP 503": 1})
    assert (seen.first_failure, seen.recovery) == (0.35, 0.45)


def test_failures_without_an_end_have_no_recovery() -> None:
    seen = traffic("callers", 1, [call(0, 1), call(1, 2, "HTTP 503")])
    assert (seen.first_failure, seen.recovery) == (2.0, None)


def test_no_calls_make_no_slices() -> None:
    assert traffic("callers", 1, []).slices == ()


@pytest.mark.parametrize("seconds", [0.0, 0.3, 11.8, 60, 119, 600, 3600, 90_000])
def test_the_number_of_slices_is_limited(seconds: float) -> None:
    seen = traffic("callers", 1, [call(0.05, 0.06), call(0.1, 0.1 + seconds)])
    assert 1 <= len(seen.slices) <= 120
    assert slice_width(seconds) == seen.width
