import threading

import pytest

from localcloud.providers.aws.clients import AwsError
from localcloud.providers.aws.waiting import poll_until_done, retry_while_refused
from localcloud.providers.schema import ProviderError, Request


def test_a_wait_ends_with_the_first_result() -> None:
    answers = iter([None, "ready"])
    request = Request(context=None)
    assert poll_until_done(request, lambda: next(answers), what="it", limit=10) == "ready"


def test_custom_timeouts_override_the_limit() -> None:
    request = Request(context=None, timeout=0.0)
    with pytest.raises(ProviderError, match="timed out after 0 s waiting for it"):
        poll_until_done(request, lambda: None, what="it", limit=600)


def test_a_cancellation_ends_the_wait() -> None:
    cancelled = threading.Event()
    request = Request(context=None, cancelled=cancelled)
    threading.Timer(0.05, cancelled.set).start()
    with pytest.raises(ProviderError, match="stopped while waiting for it"):
        poll_until_done(request, lambda: None, what="it", limit=600)


_REFUSAL = AwsError("RotateSecret", "AccessDeniedException", "not yet")


def _refuse() -> None:
    raise _REFUSAL


def test_an_operation_is_repeated_until_it_is_accepted() -> None:
    refusals = iter([_REFUSAL, _REFUSAL])

    def attempt() -> str:
        for refusal in refusals:
            raise refusal
        return "accepted"

    result = retry_while_refused(
        Request(context=None), attempt, is_transient=lambda _: True, limit=10
    )
    assert result == "accepted"


@pytest.mark.parametrize(("transient", "timeout"), [(False, 600), (True, 0)])
def test_the_last_refusal_is_raised(transient: bool, timeout: float) -> None:
    with pytest.raises(AwsError, match="not yet"):
        retry_while_refused(
            Request(context=None, timeout=timeout),
            _refuse,
            is_transient=lambda _: transient,
            limit=600,
        )


def test_a_cancellation_ends_the_repetition() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(AwsError, match="not yet"):
        retry_while_refused(
            Request(context=None, cancelled=cancelled),
            _refuse,
            is_transient=lambda _: True,
            limit=600,
        )
