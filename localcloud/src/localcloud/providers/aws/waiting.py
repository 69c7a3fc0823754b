"""Waits for AWS, which tells a long operation's end only to those who ask."""

import itertools
import time
from collections.abc import Callable
from typing import Final, TypeVar

from localcloud.providers.schema import ProviderError, Request

C = TypeVar("C")
T = TypeVar("T")

# On one machine most operations end at once; the longest are asked about twice a second.
_INTERVALS: Final = (0.05, 0.1, 0.2, 0.5)


def wait(request: Request[C], poll: Callable[[], T | None], *, what: str, limit: float) -> T:
    """Ask until there is an answer.

    Args:
        request: the operation that waits; its customTimeouts go before `limit`, and its
            cancellation ends the wait.
        poll: asks once; None where it is too early.
        what: what is waited for, for the message.
        limit: the longest wait, in seconds.

    Returns:
        The answer.

    Raises:
        ProviderError: the time is over, or the engine asked to stop.
    """
    seconds = limit if request.timeout is None else request.timeout
    deadline = time.monotonic() + seconds
    intervals = itertools.chain(_INTERVALS, itertools.repeat(_INTERVALS[-1]))
    while (answer := poll()) is None:
        if time.monotonic() >= deadline:
            raise ProviderError(f"timed out after {seconds:.0f} s waiting for {what}")
        if request.cancelled.wait(next(intervals)):
            raise ProviderError(f"stopped while waiting for {what}")
    return answer
