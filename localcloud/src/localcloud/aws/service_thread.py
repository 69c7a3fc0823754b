"""A service on its own thread and event loop.

Requests to what a service runs must not wait while ministack works, so they are served by a
separate loop. The endpoint's loop passes API calls to it.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

import uvloop

_Service = TypeVar("_Service")
_Result = TypeVar("_Result")


class ServiceThread(Generic[_Service]):
    """Runs a service; `start` starts it."""

    def __init__(
        self,
        name: str,
        service: AbstractAsyncContextManager[_Service],
        *,
        workers: int,
        stop_timeout: float,
    ) -> None:
        """Prepare the thread without starting it.

        Args:
            name: the name of the thread.
            service: starts the service on the thread's loop, and stops it at the end.
            workers: the number of calls that may block at a time.
            stop_timeout: seconds until `stop` no longer waits for the end.
        """
        self._service = service
        self._workers = workers
        self._stop_timeout = stop_timeout
        self._name = name
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._ready: concurrent.futures.Future[tuple[asyncio.AbstractEventLoop, _Service]] = (
            concurrent.futures.Future()
        )
        self._stop: Callable[[], object] = lambda: None

    @property
    def service(self) -> _Service:
        """The service, once it accepts calls; only what is safe in any thread may be used."""
        return self._ready.result()[1]

    def start(self) -> None:
        """Start the thread, and wait until it accepts calls.

        Raises:
            Exception: the service can't start.
        """
        self._thread.start()
        self._ready.result()

    async def run(self, work: Callable[[_Service], Coroutine[Any, Any, _Result]]) -> _Result:
        """Run work with the service on its loop; called from another event loop."""
        loop, service = self._ready.result()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(service), loop))

    def stop(self) -> None:
        """Stop the service and end the thread."""
        self._stop()
        self._thread.join(self._stop_timeout)

    def _run(self) -> None:
        try:
            uvloop.run(self._main())
        except Exception as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        executor = concurrent.futures.ThreadPoolExecutor(
            self._workers, thread_name_prefix=self._name
        )
        loop.set_default_executor(executor)
        stopping = asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopping.set)
        async with self._service as service:
            self._ready.set_result((loop, service))
            await stopping.wait()
        executor.shutdown(wait=False, cancel_futures=True)
