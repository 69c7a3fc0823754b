"""Threads that stop waiting for other processes once nobody needs their results.

A thread doesn't notice a signal: Python raises `KeyboardInterrupt` in the main thread, which then
waits for its threads.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

from localcloud.errors import LocalCloudError

_thread = threading.local()


class CancelledError(LocalCloudError):
    """The thread was to stop waiting; whoever cancelled it reports why."""


class CancellableThreads(ThreadPoolExecutor):
    """Runs work in threads. Once it is cancelled, none of it waits for another process's lock.

    Programs that are running end by themselves, or by the signal that ends this process's group.
    """

    def __init__(self) -> None:
        """Start no thread yet."""
        self._cancelled = threading.Event()
        super().__init__(initializer=_belong_to, initargs=(self._cancelled,))

    def cancel(self) -> None:
        """End the waits of the threads, and start no other work."""
        self._cancelled.set()
        self.shutdown(wait=False, cancel_futures=True)


def is_cancelled() -> bool:
    """Return whether the work of this thread was cancelled."""
    cancelled: threading.Event | None = getattr(_thread, "cancelled", None)
    return cancelled is not None and cancelled.is_set()


def _belong_to(cancelled: threading.Event) -> None:
    _thread.cancelled = cancelled
