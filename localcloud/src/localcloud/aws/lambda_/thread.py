"""Function URLs on their own thread and event loop, so that requests don't wait for ministack."""

import asyncio
import concurrent.futures
import ssl
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from localcloud.aws.lambda_.functions import Functions
from localcloud.aws.lambda_.urls import FunctionUrl, UrlSettings

_WORKERS = 64
_STOP_TIMEOUT = 5.0
_Result = TypeVar("_Result")


class NoPortError(Exception):
    """All ports are in use."""


@dataclass(frozen=True, kw_only=True)
class FunctionUrlSettings:
    """What function URLs need.

    Attributes:
        functions: the account's functions.
        host: the address that URLs listen on.
        ports: the ports, one for each URL; App Runner takes from the other end.
        context: their certificate.
    """

    functions: Functions
    host: str
    ports: Sequence[int]
    context: ssl.SSLContext


class FunctionUrlThread:
    """Runs function URLs; `start` starts it."""

    def __init__(self, settings: FunctionUrlSettings) -> None:
        """Prepare the thread without starting it."""
        self._settings = settings
        self._urls: dict[str, FunctionUrl] = {}
        self._thread = threading.Thread(target=self._run, name="function-urls", daemon=True)
        self._ready: concurrent.futures.Future[asyncio.AbstractEventLoop] = (
            concurrent.futures.Future()
        )
        self._stop: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Start the thread, and wait until it accepts calls."""
        self._thread.start()
        self._ready.result()

    async def open(self, settings: UrlSettings) -> int:
        """Open a function's URL, or change its settings if it is open, and return its port.

        Raises:
            NoPortError: all ports are in use.
        """
        return await self._call(self._open(settings))

    async def close(self, function: str) -> None:
        """Close a function's URL, if it has one."""
        await self._call(self._close(function))

    def port(self, function: str) -> int | None:
        """Return the port of a function's URL; None without one."""
        url = self._urls.get(function)
        return None if url is None else url.port

    def stop(self) -> None:
        """Close all ports and end the thread."""
        self._stop()
        self._thread.join(_STOP_TIMEOUT)

    async def _call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(work, self._ready.result())
        )

    async def _open(self, settings: UrlSettings) -> int:
        if (known := self._urls.get(settings.function)) is not None:
            known.settings = settings
            return known.port
        url = FunctionUrl(settings, self._settings.functions)
        for port in reversed(self._settings.ports):
            try:
                await url.open(self._settings.host, port, self._settings.context)
            except OSError:
                # Another URL, service or program uses the port.
                continue
            self._urls[settings.function] = url
            return port
        raise NoPortError(
            f"All ports from {self._settings.ports[0]} to {self._settings.ports[-1]} are in use;"
            " start the stand-in with more of them (--service-ports)."
        )

    async def _close(self, function: str) -> None:
        if (url := self._urls.pop(function, None)) is not None:
            await url.close()

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        # Each invocation occupies one until the function has ended.
        loop.set_default_executor(
            concurrent.futures.ThreadPoolExecutor(_WORKERS, thread_name_prefix="invocation")
        )
        stopping = asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopping.set)
        self._ready.set_result(loop)
        await stopping.wait()
        for function in list(self._urls):
            await self._close(function)
