"""Waits for what happens by itself."""

import time
from collections.abc import Callable
from typing import Final

# Metrics are reported every few seconds, and an instance is replaced after some.
_PATIENCE: Final = 300.0
_POLL: Final = 0.2


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for something that happens by itself.

    Args:
        condition: whether it has happened.
        what: what should have happened, for the failure.
    """
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {_PATIENCE:g} s"
        time.sleep(_POLL)
