"""Waits for what a test has caused, with a limit."""

import time
from collections.abc import Callable
from typing import TypeVar

_POLL_SECONDS = 0.2

Found = TypeVar("Found")


def read_until(
    read: Callable[[], Found],
    condition: Callable[[Found], object],
    within: float,
    *,
    poll: float = _POLL_SECONDS,
) -> Found:
    """Read until what is read meets a condition, and return what was read last.

    Args:
        within: the longest wait, in seconds.
        poll: seconds between two attempts.
    """
    deadline = time.monotonic() + within
    while not condition(found := read()) and time.monotonic() < deadline:
        time.sleep(poll)
    return found


def eventually(
    find: Callable[[], Found], within: float, what: str = "it", *, poll: float = _POLL_SECONDS
) -> Found:
    """Call a function until it returns something true, and return that.

    Args:
        within, poll: see `read_until`.
        what: what should happen, for the failure's message.

    Raises:
        AssertionError: it returned nothing true in time.
    """
    found = read_until(find, bool, within, poll=poll)
    assert found, f"{what} didn't happen within {within:g} s"
    return found
