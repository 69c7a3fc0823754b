import pytest

from automation.checks.verdicts import Failed
from automation.drills.tokens import expect_backoff, expect_none_refused_early


def test_an_endpoint_that_is_spared_passes() -> None:
    expect_backoff([1.0, 3.4, 3.9])


def test_an_endpoint_that_is_asked_too_soon_fails() -> None:
    with pytest.raises(Failed, match=r"Retry-After: 2, but the request was repeated after 1\.5 s"):
        expect_backoff([1.0, 2.5, 3.0])


@pytest.mark.parametrize("asked", [[1.0, 3.4], [1.0, 3.4, 3.9, 4.0]])
def test_an_endpoint_that_is_asked_too_often_or_not_long_enough_fails(asked: list[float]) -> None:
    with pytest.raises(Failed, match=f"is {len(asked)}, and must be 3"):
        expect_backoff(asked)


def test_an_endpoint_that_is_never_asked_again_fails() -> None:
    with pytest.raises(Failed):
        expect_backoff([1.0])


def test_a_token_that_is_refused_after_its_end_passes_however_late() -> None:
    expect_none_refused_early([(20.0, 20.5), (900.0, 40.0)])


def test_a_token_that_is_refused_before_its_end_fails() -> None:
    with pytest.raises(Failed, match=r"refused at 10\.0 s, but expires at 20\.0 s"):
        expect_none_refused_early([(10.0, 20.0)])
