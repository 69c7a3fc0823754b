"""Counts the work that code does, so that a test of it needs no clock."""

import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any


def lines_run(module: ModuleType, call: Callable[[], object]) -> int:
    """Count the lines of a module that a call runs.

    Args:
        module: the module whose lines count.
        call: what is run.
    """
    count = 0

    def local(_frame: FrameType, event: str, _argument: object) -> Any:  # noqa: ANN401 - a trace function's own type
        nonlocal count
        count += event == "line"
        return local

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:  # noqa: ANN401 - a trace function's own type
        return local if frame.f_code.co_filename == module.__file__ else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count
