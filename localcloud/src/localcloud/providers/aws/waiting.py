"""Waiting: until an operation has finished, and until AWS accepts one."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from localcloud.providers.aws.clients import AwsError
from localcloud.providers.schema import ProviderError, Request

C = TypeVar("C")
T = TypeVar("T")

# On one machine most operations end within milliseconds.
_INTERVALS: Final = (0.05, 0.1, 0.2, 0.5)


def poll_until_done(
    request: Request[C], poll: Callable[[], T | None], *, what: str, limit: float
) -> T:
    """Poll until there is a result.

    Args:
        request: the operation that waits; its customTimeouts override `limit`, and its
            cancellation ends the wait.
        poll: returns the result, or None to poll again.
        what: names the awaited resource in error messages.
        limit: the longest wait, in seconds.

    Raises:
        ProviderError: the time is over, or the engine asked to stop.
    """
    seconds = _limit(request, limit)
    deadline = time.monotonic() + seconds
    intervals = _intervals()
    while (result := poll()) is None:
        if time.monotonic() >= deadline:
            raise ProviderError(f"timed out after {seconds:.0f} s waiting for {what}")
        if request.cancelled.wait(next(intervals)):
            raise ProviderError(f"stopped while waiting for {what}")
    return result


def retry_while_refused(
    request: Request[C],
    attempt: Callable[[], T],
    *,
    is_transient: Callable[[AwsError], bool],
    limit: float,
) -> T:
    """Repeat an operation while AWS refuses it for a reason that may pass.

    Args:
        request: the operation that waits; its customTimeouts override `limit`, and its
            cancellation ends the wait.
        attempt: calls the operation.
        is_transient: returns whether the reason may pass.
        limit: the longest wait, in seconds.

    Raises:
        AwsError: the last refusal.
    """
    deadline = time.monotonic() + _limit(request, limit)
    intervals = _intervals()
    while True:
        try:
            return attempt()
        except AwsError as error:
            if not is_transient(error) or time.monotonic() >= deadline:
                raise
            if request.cancelled.wait(next(intervals)):
                raise


def _limit(request: Request[C], limit: float) -> float:
    return limit if request.timeout is None else request.timeout


def _intervals() -> Iterator[float]:
    return itertools.chain(_INTERVALS, itertools.repeat(_INTERVALS[-1]))
