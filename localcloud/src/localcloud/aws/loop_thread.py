"""A thread with its own event loop, so that its work doesn't wait for the endpoint's."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

_STOP_TIMEOUT = 5.0
_Result = TypeVar("_Result")


class LoopThread:
    """Runs coroutines on an event loop of its own; `start` starts it."""

    def __init__(self, name: str, *, workers: int, clean_up: Callable[[], Awaitable[None]]) -> None:
        """Prepare the thread without starting it.

        Args:
            name: the thread's name.
            workers: the size of the loop's executor, for calls that block.
            clean_up: runs on the loop when the thread stops.
        """
        self._workers = workers
        self._clean_up = clean_up
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._ready: concurrent.futures.Future[asyncio.AbstractEventLoop] = (
            concurrent.futures.Future()
        )
        self._stop: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Start the thread, and wait until it accepts calls."""
        self._thread.start()
        self._ready.result()

    async def call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine on the thread's loop, from another loop, and return its result."""
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(work, self._ready.result())
        )

    def stop(self) -> None:
        """Clean up, and end the thread."""
        self._stop()
        self._thread.join(_STOP_TIMEOUT)

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(
            concurrent.futures.ThreadPoolExecutor(
                self._workers, thread_name_prefix=self._thread.name
            )
        )
        stopping = asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopping.set)
        self._ready.set_result(loop)
        await stopping.wait()
        await self._clean_up()
