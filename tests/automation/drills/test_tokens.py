import pytest

from automation.checks.verdicts import Failed
from automation.drills.tokens import expect_backoff, expect_none_refused_early


def test_backing_off_as_asked_passes() -> None:
    expect_backoff([1.0, 3.4, 3.9])


def test_a_request_repeated_too_soon_fails() -> None:
    with pytest.raises(Failed, match=r"Retry-After: 2, but the request was repeated after 1\.5 s"):
        expect_backoff([1.0, 2.5, 3.0])


@pytest.mark.parametrize("asked", [[1.0, 3.4], [1.0, 3.4, 3.9, 4.0]])
def test_too_many_or_too_few_requests_fail(asked: list[float]) -> None:
    with pytest.raises(Failed, match=f"is {len(asked)}, and must be 3"):
        expect_backoff(asked)


def test_a_request_that_is_never_repeated_fails() -> None:
    with pytest.raises(Failed):
        expect_backoff([1.0])


def test_a_token_that_is_refused_after_it_expired_passes() -> None:
    expect_none_refused_early([(20.0, 20.5), (900.0, 40.0)])


def test_a_token_that_is_refused_before_it_expires_fails() -> None:
    with pytest.raises(Failed, match=r"refused at 10\.0 s, but expires at 20\.0 s"):
        expect_none_refused_early([(10.0, 20.0)])
