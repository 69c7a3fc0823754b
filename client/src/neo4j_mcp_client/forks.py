"""What an object must do in a forked process, which has none of the threads that it relied on."""

import os
import weakref
from collections.abc import Callable

_resets: "set[weakref.WeakMethod[Callable[[], None]]]" = set()


def on_fork(reset: Callable[[], None]) -> None:
    """Call a method in every process that is forked from this one, while its object lives."""
    _resets.add(weakref.WeakMethod(reset, _resets.discard))


def _reset_all() -> None:
    for method in tuple(_resets):
        reset = method()
        if reset is not None:
            reset()


if hasattr(os, "register_at_fork"):  # not on Windows, which doesn't fork
    os.register_at_fork(after_in_child=_reset_all)
