"""Lets the engine end in order when this process is told to stop.

A terminal's Ctrl-C reaches the engine too, which then finishes what it has begun, writes its state
and frees its lock. A SIGTERM, as pipelines send it, reaches this process alone, so it is passed on.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import psutil

_ENGINE = "pulumi"


@dataclass
class Interruption:
    """Whether an operation was told to stop.

    Attributes:
        requested: true from the first signal on.
    """

    requested: bool = False


@contextmanager
def passed_on() -> Iterator[Interruption]:
    """Take SIGINT and SIGTERM for the time of an operation of the engine.

    Yields:
        Whether one came. Outside the main thread, where Python takes no signals, none ever does.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def interrupt(number: int, _: FrameType | None) -> None:
        interruption.requested = True
        if number == signal.SIGTERM:
            for child in psutil.Process().children():
                if child.name() == _ENGINE:
                    child.send_signal(signal.SIGINT)

    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, interrupt)
    try:
        yield interruption
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
