"""A lost write, an unnamed exception or a write that ran twice is found."""

from automation.chaos.writes import Attempt, Expected, Way, find_problems, summarize

ANY = Expected(kinds={"NetworkError", "HTTP 503"})
NONE = Expected(kinds=())


def done(write: str, seconds: float = 0.1) -> Attempt:
    return Attempt(write=write, seconds=seconds)


def failed(write: str, kind: str = "NetworkError", *, may_have_run: bool = True) -> Attempt:
    return Attempt(write=write, seconds=2.0, failure=kind, message="why", may_have_run=may_have_run)


def problems(
    *attempts: Attempt, way: Way = Way.ONCE, expected: Expected = ANY, **found: int
) -> str:
    return "; ".join(find_problems(way, attempts, found, expected))


def test_acknowledged_writes_that_are_there_are_right() -> None:
    assert not problems(done("a"), done("b"), a=1, b=1)


def test_a_lost_write_is_found() -> None:
    lost = "1 of 2 acknowledged writes aren't in the database: b"
    assert problems(done("a"), done("b"), a=1) == lost


def test_a_write_that_was_repeated_by_its_caller_is_lost_too() -> None:
    assert "aren't in the database: a" in problems(failed("a"), done("a"), way=Way.MERGED)


def test_a_failed_write_may_be_there_or_not() -> None:
    assert not problems(failed("a"))
    assert not problems(failed("a"), a=1)


def test_a_failed_write_must_not_be_there_if_it_was_not_executed() -> None:
    found = problems(failed("a", may_have_run=False), a=1)
    assert found.startswith("1 writes are in the database, although every failure says")


def test_a_write_may_be_there_as_often_as_it_may_have_been_executed() -> None:
    attempts = (failed("a"), failed("a", may_have_run=False), done("a"))
    assert not problems(*attempts, way=Way.AGAIN, a=1)
    assert not problems(*attempts, way=Way.AGAIN, a=2)
    assert "more often than they may have been executed: a 3 times" in problems(
        *attempts, way=Way.AGAIN, a=3
    )


def test_the_library_must_not_execute_a_write_twice() -> None:
    assert "a 2 times" in problems(done("a"), a=2)


def test_a_merged_write_is_there_once_however_often_it_was_repeated() -> None:
    attempts = (failed("a"), failed("a"), done("a"))
    assert not problems(*attempts, way=Way.MERGED, a=1)
    assert "a 2 times" in problems(*attempts, way=Way.MERGED, a=2)


def test_an_unnamed_exception_is_found() -> None:
    unnamed = Attempt(
        write="a", seconds=0.1, failure="KeyError", message="why", is_named=False, may_have_run=True
    )
    assert "isn't the client library's: KeyError: why" in problems(
        unnamed, expected=Expected(kinds={"KeyError"})
    )


def test_another_failure_than_expected_is_found() -> None:
    found = problems(failed("a", "HTTP 500"))
    assert found == "1 calls failed, but not with HTTP 503 or NetworkError: HTTP 500: why"
    assert problems(failed("a"), expected=NONE).startswith("1 calls failed, but none may: Network")


def test_a_call_that_took_too_long_is_found_also_if_it_succeeded() -> None:
    expected = Expected(kinds=(), within=5.0)
    found = problems(done("a", 7.0), done("b", 6.0), expected=expected, a=1, b=1)
    assert found == "2 calls took longer than 5 s, up to 7.0 s"


def test_writes_are_counted_by_what_became_of_them() -> None:
    attempts = [done("a"), failed("b"), done("b", 3.0), failed("c"), failed("d"), done("e")]
    written = summarize(Way.AGAIN, attempts, {"a": 1, "b": 2, "c": 1})
    assert (written.calls, written.acknowledged, written.lost) == (6, 3, 1)
    assert (written.unacknowledged, written.present, written.repeated) == (2, 1, 1)
    assert (written.longest, written.longest_failed) == (3.0, 2.0)
    assert written.failures == {"NetworkError": 3}
