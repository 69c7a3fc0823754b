"""Decides how long to wait before a retry."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

Jitter = Callable[[float, float], float]


@dataclass(frozen=True, kw_only=True)
class BackOff:
    """Exponential back-off with jitter, so that many callers don't retry at the same time.

    Source: "Exponential Backoff And Jitter" in the AWS Architecture Blog ("full jitter").

    Attributes:
        attempts: the maximum number of attempts.
        first: the maximum of the first pause, in seconds; it doubles for each further pause.
        longest: the maximum of any pause, in seconds.
        limit: seconds after which there is no further attempt.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 8.0
    limit: float = 30.0

    def pause(
        self,
        attempt: int,
        *,
        elapsed: float,
        retry_after: float | None = None,
        jitter: Jitter = random.uniform,
    ) -> float | None:
        """Return the pause before the next attempt.

        Args:
            attempt: the number of the attempt that failed, from 1.
            elapsed: seconds since the first one began.
            retry_after: seconds that the other side asked to wait, if it did.

        Returns:
            Seconds, or None if there is no further attempt.
        """
        if attempt >= self.attempts:
            return None
        ceiling = min(self.longest, self.first * 2 ** (attempt - 1))
        # The jitter is added to the requested wait, never subtracted.
        pause = (retry_after or 0.0) + jitter(0.0, ceiling)
        return pause if elapsed + pause < self.limit else None


def parse_retry_after(retry_after: str | None) -> float | None:
    """Parse a Retry-After header.

    Args:
        retry_after: seconds or an HTTP date (RFC 9110, section 10.2.3).

    Returns:
        Seconds from now, never negative, or None if the header is missing or invalid.
    """
    if not retry_after:
        return None
    try:
        return max(0.0, Retry().parse_retry_after(retry_after))
    # urllib3 doesn't wrap the errors of a number with thousands of digits or a year out of range.
    except (InvalidHeader, ValueError, OverflowError):
        return None
