"""Polling for the end of operations that AWS reports only on request."""

import itertools
import time
from collections.abc import Callable
from typing import Final, TypeVar

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
    seconds = limit if request.timeout is None else request.timeout
    deadline = time.monotonic() + seconds
    intervals = itertools.chain(_INTERVALS, itertools.repeat(_INTERVALS[-1]))
    while (result := poll()) is None:
        if time.monotonic() >= deadline:
            raise ProviderError(f"timed out after {seconds:.0f} s waiting for {what}")
        if request.cancelled.wait(next(intervals)):
            raise ProviderError(f"stopped while waiting for {what}")
    return result
