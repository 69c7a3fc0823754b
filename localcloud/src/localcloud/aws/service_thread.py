"""A service on a thread and event loop of its own, so that its traffic doesn't wait for ministack.

Its methods can be awaited from the loops of other services.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

_Service = TypeVar("_Service")
_Result = TypeVar("_Result")


class ServiceThread(Generic[_Service]):
    """Runs a service; `start` starts it."""

    def __init__(
        self,
        name: str,
        run: Callable[[], AbstractAsyncContextManager[_Service]],
        *,
        workers: int = 16,
        stop_timeout: float = 7.0,
    ) -> None:
        """Prepare the thread without starting it.

        Args:
            name: the thread's name.
            run: starts the service, and stops it at the end of the block.
            workers: threads for calls that block.
            stop_timeout: seconds to wait for the service's end.
        """
        self._run_service = run
        self._workers = workers
        self._stop_timeout = stop_timeout
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._ready: concurrent.futures.Future[tuple[asyncio.AbstractEventLoop, _Service]] = (
            concurrent.futures.Future()
        )
        self._stop: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Start the thread, and wait until the service is ready.

        Raises:
            Exception: the service can't start.
        """
        self._thread.start()
        self._ready.result()

    async def call(self, work: Callable[[_Service], Coroutine[Any, Any, _Result]]) -> _Result:
        """Run a coroutine of the service on its loop, and return the result."""
        loop, service = self._ready.result()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(service), loop))

    def stop(self) -> None:
        """Stop the service and end the thread."""
        self._stop()
        self._thread.join(self._stop_timeout)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        executor = concurrent.futures.ThreadPoolExecutor(
            self._workers, thread_name_prefix=self._thread.name
        )
        loop.set_default_executor(executor)
        stopping = asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopping.set)
        async with self._run_service() as service:
            self._ready.set_result((loop, service))
            await stopping.wait()
        executor.shutdown(wait=False, cancel_futures=True)
