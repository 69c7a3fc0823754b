"""What the calls of a run add up to."""

import pytest

from automation.load.outcomes import Failure, Outcome
from automation.load.plan import concurrent, steady
from automation.load.results import Run, percentile, summarize


def _outcome(
    due: float,
    seconds: float = 0.1,
    *,
    entry: str = "read",
    kind: str = "",
    late: float = 0.0,
    client: str = "reader",
) -> Outcome:
    failure = Failure(kind=kind, message=f"secret {kind}") if kind else None
    return Outcome(
        entry=entry, due=due, ended=due + seconds, late=late, failure=failure, client=client
    )


def _blank(text: str) -> str:
    return text.replace("secret", "***")


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 10), (0.9, 18), (0.95, 19), (0.99, 20), (0.0, 1), (1.0, 20)]
)
def test_percentiles_are_values_that_occurred(share: float, expected: float) -> None:
    assert percentile([float(each) for each in range(1, 21)], share) == expected


def test_the_warm_up_and_what_follows_the_plan_do_not_count() -> None:
    plan = steady(1, warm_up=2, seconds=2)
    run = summarize(
        "host",
        plan,
        [_outcome(0.5, 9.0), _outcome(2.5, 0.2), _outcome(3.5, 0.4), _outcome(4.5, 9.0)],
        blank=_blank,
    )
    assert (run.total.calls, run.total.rate) == (2, 1.0)
    assert run.total.latency is not None
    assert run.total.latency.longest == pytest.approx(0.4)
    assert [each.calls for each in run.phases] == [1, 2]


def test_failures_are_counted_by_kind_and_leave_the_percentiles() -> None:
    outcomes = [
        _outcome(0.1, 0.1),
        _outcome(0.2, 60.0, kind="timeout"),
        _outcome(0.3, 0.0, kind="HTTP 429", entry="write"),
        _outcome(0.4, 0.0, kind="HTTP 429", entry="write"),
    ]
    run = summarize("host", steady(4, warm_up=0, seconds=1), outcomes, blank=_blank)
    assert run.total.failures == {"HTTP 429": 2, "timeout": 1}
    assert (run.total.failed, run.total.succeeded) == (3, 1)
    assert run.total.latency is not None
    assert run.total.latency.longest == pytest.approx(0.1)
    by_name = {each.name: each for each in run.kinds}
    assert by_name["write"].latency is None
    assert by_name["write"].failures == {"HTTP 429": 2}
    assert run.examples == {"HTTP 429": "*** HTTP 429", "timeout": "*** timeout"}


def test_several_clients_have_their_own_results() -> None:
    outcomes = [
        _outcome(0.5, 9.0, client="writer"),
        _outcome(1.1, 0.1),
        _outcome(1.2, 0.3, client="writer"),
        _outcome(1.3, 0.0, kind="ForbiddenError"),
    ]
    run = summarize("host", steady(2, warm_up=1, seconds=2), outcomes, blank=_blank)
    reader, writer = run.clients
    assert (reader.name, reader.calls, reader.rate) == ("reader", 2, 0.5)
    assert reader.failures == {"ForbiddenError": 1}
    # The warm-up's call doesn't count.
    assert (writer.name, writer.calls, writer.failures) == ("writer", 1, {})
    assert writer.latency is not None
    assert writer.latency.p99 == pytest.approx(0.3)


def test_a_single_clients_results_are_the_total() -> None:
    run = summarize("host", steady(1, warm_up=0, seconds=1), [_outcome(0.1)], blank=_blank)
    assert run.clients == ()


def test_a_slice_has_the_calls_that_were_due_in_it() -> None:
    plan = steady(2, warm_up=0, seconds=2)
    outcomes = [_outcome(0.0, 2.5), _outcome(0.5, 0.1), _outcome(1.0, kind="HTTP 500")]
    run = summarize("host", plan, outcomes, blank=_blank)
    assert [(each.due, each.succeeded, each.completed) for each in run.slices] == [
        (2, 2, 1),
        (1, 0, 0),
        (0, 0, 1),
    ]
    assert run.slices[1].failures == {"HTTP 500": 1}
    assert run.slices[0].latency is not None
    assert run.slices[0].latency.longest == pytest.approx(2.5)


def test_a_long_run_has_wider_slices() -> None:
    run = summarize("host", steady(1, warm_up=0, seconds=3600), [_outcome(3599.0)], blank=_blank)
    assert run.width == 15
    assert sum(each.due for each in run.slices) == 1


def test_a_run_without_calls_has_no_latency() -> None:
    run = summarize("host", concurrent(1, warm_up=0, seconds=1), [], blank=_blank)
    assert (run.total.calls, run.total.latency, run.late) == (0, None, 0.0)


def test_how_late_this_machine_sent_is_reported() -> None:
    outcomes = [_outcome(number / 10, late=number / 1000) for number in range(10)]
    run = summarize("host", steady(10, warm_up=0, seconds=1), outcomes, blank=_blank)
    assert run.late == pytest.approx(0.009)


def test_results_can_be_written_and_read() -> None:
    run = summarize("host", steady(1, warm_up=0, seconds=1), [_outcome(0.0)], blank=_blank)
    assert Run.model_validate_json(run.model_dump_json()) == run
