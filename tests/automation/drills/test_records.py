import pytest

from automation.checks.verdicts import Failed
from automation.drills.records import (
    Record,
    all_called,
    all_failed,
    all_have_met,
    all_succeed,
    expect_failures,
    expect_no_failure,
    figures,
    outage,
    transitions,
)


def call(ended: float, failure: str = "", *, caller: int = 0, took: float = 0.1) -> Record:
    message = f"{failure} it said" if failure else ""
    return Record(caller=caller, began=ended - took, ended=ended, failure=failure, message=message)


def test_figures_summarize_calls() -> None:
    records = [
        call(1.0),
        call(2.0, "HTTP 503", took=0.5),
        call(2.5, "NetworkError"),
        call(3.0, took=0.3),
    ]
    assert figures(records) == {
        "calls": 4,
        "failed": 2,
        "failures": {"HTTP 503": 1, "NetworkError": 1},
        "median seconds": 0.2,
        "longest seconds": 0.5,
        "seconds with failures": 1.0,
    }


def test_figures_of_no_calls_are_empty() -> None:
    assert figures([])["calls"] == 0
    assert figures([])["median seconds"] is None


def test_an_outage_lasts_from_the_start_of_the_first_failed_call_to_the_end_of_the_last() -> None:
    records = [call(1.0), call(5.0, "HTTP 503", took=2.0), call(4.0), call(9.0, "HTTP 503")]
    assert outage(records) == 6.0
    assert outage(records, since=4.5) == 4.5
    assert outage(records, since=10.0) == 0.0


@pytest.mark.parametrize(
    ("records", "answered"),
    [
        pytest.param([call(1), call(2), call(3)], True, id="all good"),
        pytest.param([call(1), call(2)], False, id="too few"),
        pytest.param([call(1), call(2), call(3), call(4, "HTTP 503")], False, id="failing again"),
        pytest.param([call(1, "HTTP 503"), call(2), call(3), call(4)], True, id="after a failure"),
        pytest.param([call(1), call(2, "HTTP 503"), call(3), call(4)], False, id="interrupted"),
    ],
)
def test_a_caller_has_recovered_after_several_successful_calls(
    records: list[Record], *, answered: bool
) -> None:
    assert all_succeed(records, callers=1, since=0, in_a_row=3) is answered


def test_every_caller_has_to_recover() -> None:
    records = [call(1), call(2), call(1, caller=1)]
    assert not all_succeed(records, callers=2, since=0, in_a_row=2)
    assert all_succeed([*records, call(2, caller=1)], callers=2, since=0, in_a_row=2)


def test_calls_that_began_before_do_not_count() -> None:
    records = [call(1), call(2), call(3)]
    assert not all_succeed(records, callers=1, since=2.5, in_a_row=2)


def test_every_caller_has_to_fail() -> None:
    records = [call(1, "HTTP 503"), call(2, caller=1), call(3, "HTTP 503")]
    assert not all_failed(records, callers=2, since=0)
    assert all_failed([*records, call(4, "HTTP 503", caller=1)], callers=2, since=0)
    assert not all_failed(records, callers=1, since=5)


def test_every_caller_has_to_end_enough_calls() -> None:
    records = [call(1), call(2), call(1, caller=1)]
    assert not all_called(records, callers=2, since=0, times=2)
    assert all_called([*records, call(2, caller=1)], callers=2, since=0, times=2)
    assert all_called([call(2, "HTTP 503")], callers=1, since=0, times=9)
    assert not all_called([call(2, "HTTP 503")], callers=1, since=3, times=9)
    assert not all_called(records, callers=1, since=1.5, times=2)


def test_transitions_are_listed_with_their_times() -> None:
    records = [
        call(1),
        call(2, "HTTP 503"),
        call(3, "HTTP 503"),
        call(4, "NetworkError"),
        call(5),
        call(6),
    ]
    assert transitions(records) == [
        (2, "calls fail: HTTP 503"),
        (4, "calls fail: NetworkError"),
        (5, "calls succeed again"),
    ]


def test_a_failed_call_fails_the_drill_and_is_reported() -> None:
    with pytest.raises(Failed, match=r"1 of 2 calls failed while it rained; .*HTTP 503 at 2\.0 s"):
        expect_no_failure([call(1), call(2, "HTTP 503")], "it rained")


def test_no_call_at_all_fails_the_drill() -> None:
    with pytest.raises(Failed, match="no call was made"):
        expect_no_failure([], "it rained")


def test_successful_calls_pass() -> None:
    expect_no_failure([call(1), call(2)], "it rained")
    expect_failures([call(1), call(2, "HTTP 503")], {"HTTP 503"}, within=1)


def test_a_failure_of_another_kind_fails_the_drill() -> None:
    with pytest.raises(Failed, match="not with HTTP 503: ForbiddenError"):
        expect_failures([call(1, "HTTP 503"), call(2, "ForbiddenError")], {"HTTP 503"}, within=1)


def test_a_late_failure_fails_the_drill() -> None:
    with pytest.raises(Failed, match=r"after 7\.0 s: .* after 5 s"):
        expect_failures([call(9, "HTTP 503", took=7)], {"HTTP 503"}, within=5)


def test_a_caller_has_met_a_fault_once_a_call_fails_or_some_have_begun_since() -> None:
    def met(*records: Record, callers: int = 1) -> bool:
        return all_have_met(records, callers=callers, since=2.0, times=2)

    assert met(Record(caller=0, began=1.0, ended=2.5, failure="HTTP 503"))
    assert not met(Record(caller=0, began=1.0, ended=1.5, failure="HTTP 503"))
    began_before = Record(caller=0, began=1.0, ended=2.5)
    began_since = Record(caller=0, began=2.5, ended=3.0)
    assert not met(began_before, began_since)
    assert met(began_before, began_since, began_since)
    assert not met(began_since, began_since, callers=2)
