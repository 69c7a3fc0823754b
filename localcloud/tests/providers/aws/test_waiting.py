import threading

import pytest

from localcloud.providers.aws.waiting import poll_until_done
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
