import itertools
import threading
import time

from automation.drills.records import all_succeed
from automation.drills.traffic import Traffic
from neo4j_mcp_client import ServerError


def test_callers_keep_calling_until_the_end_and_every_call_is_recorded() -> None:
    asked = itertools.count()
    with Traffic(lambda: next(asked), callers=3, clock=time.monotonic, pause=0.001) as traffic:
        assert traffic.wait_until(
            lambda records: all_succeed(records, callers=3, since=0, in_a_row=5), 10
        )
    records = traffic.records
    assert len(records) == next(asked)
    assert {record.caller for record in records} == {0, 1, 2}
    assert not any(record.failure for record in records)
    assert [record.ended for record in records] == sorted(record.ended for record in records)
    assert not [each for each in threading.enumerate() if each.name.startswith("caller-")]


def test_a_failure_is_recorded_with_kind_and_message_and_the_caller_continues() -> None:
    errors = iter([ServerError("answers HTTP 503.", status=503), ValueError("odd")])

    def ask() -> None:
        for error in errors:
            raise error

    with Traffic(ask, callers=1, clock=time.monotonic, pause=0.001) as traffic:
        assert traffic.wait_until(lambda records: len(records) >= 3, 10)
    assert [record.failure for record in traffic.records[:3]] == ["HTTP 503", "ValueError", ""]
    assert "answers HTTP 503." in traffic.records[0].message


def test_the_wait_for_a_condition_is_limited() -> None:
    with Traffic(lambda: None, callers=1, clock=time.monotonic, pause=0.001) as traffic:
        assert not traffic.wait_until(lambda records: len(records) < 0, 0.05)


def test_a_drill_that_breaks_off_does_not_wait_for_the_calls() -> None:
    release = threading.Event()
    traffic = Traffic(release.wait, callers=1, clock=time.monotonic)
    traffic.__enter__()
    traffic.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    (caller,) = [each for each in threading.enumerate() if each.name.startswith("caller-")]
    assert not traffic.records
    release.set()
    caller.join(60)
