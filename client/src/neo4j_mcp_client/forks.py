"""Resets objects in a forked process, whose other threads are gone."""

import os
import weakref
from collections.abc import Callable

_resets: "set[weakref.WeakMethod[Callable[[], None]]]" = set()


def on_fork(reset: Callable[[], None]) -> None:
    """Call a bound method in every process forked from this one, as long as its object exists."""
    _resets.add(weakref.WeakMethod(reset, _resets.discard))


def _reset_all() -> None:
    for method in tuple(_resets):
        reset = method()
        if reset is not None:
            reset()


if hasattr(os, "register_at_fork"):  # not on Windows, which doesn't fork
    os.register_at_fork(after_in_child=_reset_all)
