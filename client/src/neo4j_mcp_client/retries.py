"""How long to wait before something is tried again: decisions without effects."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

Jitter = Callable[[float, float], float]


@dataclass(frozen=True, kw_only=True)
class BackOff:
    """Waits that grow, each drawn at random, so that many callers don't come back at once.

    Source: "Exponential Backoff And Jitter" in the AWS Architecture Blog ("full jitter").

    Attributes:
        attempts: how often something is tried in all.
        first: the longest first wait, in seconds; it doubles with each further one.
        longest: the longest wait, in seconds.
        limit: seconds for all attempts and waits together.
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
        """Say how long to wait before the next attempt.

        Args:
            attempt: which attempt has failed, from 1.
            elapsed: seconds since the first one began.
            retry_after: seconds that the other side asked to wait, if it did.

        Returns:
            Seconds, or None if nothing is to be tried again.
        """
        if attempt >= self.attempts:
            return None
        ceiling = min(self.longest, self.first * 2 ** (attempt - 1))
        # Spread behind what was asked for, never before it.
        pause = (retry_after or 0.0) + jitter(0.0, ceiling)
        return pause if elapsed + pause < self.limit else None


def seconds_to_wait(retry_after: str | None) -> float | None:
    """Read a Retry-After header.

    Args:
        retry_after: seconds or an HTTP date (RFC 9110, section 10.2.3).

    Returns:
        Seconds from now, never negative; None without the header, or where it says neither.
    """
    if not retry_after:
        return None
    try:
        return max(0.0, Retry().parse_retry_after(retry_after))
    # A number with thousands of digits and a year without end are no urllib3 exceptions.
    except (InvalidHeader, ValueError, OverflowError):
        return None
