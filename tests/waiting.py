"""Waits for what happens by itself."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

# Metrics are reported every few seconds, and an instance is replaced after some.
_PATIENCE: Final = 300.0
_POLL: Final = 0.2

Found = TypeVar("Found")


def read_until(
    read: Callable[[], Found], condition: Callable[[Found], object], within: float = _PATIENCE
) -> Found:
    """Read until what is read meets a condition, and return what was read last.

    Args:
        within: the longest wait, in seconds.
    """
    deadline = time.monotonic() + within
    while not condition(found := read()) and time.monotonic() < deadline:
        time.sleep(_POLL)
    return found


def wait_until(condition: Callable[[], Found], what: str) -> Found:
    """Wait for something that happens by itself, and return what the condition returned.

    Args:
        condition: returns something true once it has happened.
        what: what should have happened, for the failure.

    Raises:
        AssertionError: it hasn't happened in time.
    """
    found = read_until(condition, bool)
    assert found, f"{what}: not within {_PATIENCE:g} s"
    return found
