"""Function URLs on their own thread and event loop, so that requests don't wait for ministack."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from localcloud.aws.lambda_.functions import Functions
from localcloud.aws.lambda_.urls import FunctionUrl, UrlSettings
from localcloud.aws.metric_sender import Publish
from localcloud.aws.service_ports import first_open
from localcloud.aws.service_thread import ServiceThread

# Each invocation occupies one until the function has ended.
_WORKERS = 64
_STOP_TIMEOUT = 5.0


@dataclass(frozen=True, kw_only=True)
class FunctionUrlSettings:
    """What function URLs need.

    Attributes:
        functions: the account's functions.
        host: the address that URLs listen on.
        ports: the ports, one for each URL; App Runner takes from the other end.
        context: their certificate.
        publish: takes the data points of requests.
    """

    functions: Functions
    host: str
    ports: Sequence[int]
    context: ssl.SSLContext
    publish: Publish


class FunctionUrlThread:
    """Runs function URLs; `start` starts it."""

    def __init__(self, settings: FunctionUrlSettings) -> None:
        """Prepare the thread without starting it."""
        self._settings = settings
        self._urls: dict[str, FunctionUrl] = {}
        self._thread = ServiceThread(
            "function-urls", self._all_closed(), workers=_WORKERS, stop_timeout=_STOP_TIMEOUT
        )

    def start(self) -> None:
        """Start the thread, and wait until it accepts calls."""
        self._thread.start()

    async def open(self, settings: UrlSettings) -> int:
        """Open a function's URL, or change its settings if it is open, and return its port.

        Raises:
            NoPortError: all ports are in use.
        """
        return await self._thread.run(lambda _: self._open(settings))

    async def close(self, function: str) -> None:
        """Close a function's URL, if it has one."""
        await self._thread.run(lambda _: self._close(function))

    def port(self, function: str) -> int | None:
        """Return the port of a function's URL; None without one."""
        url = self._urls.get(function)
        return None if url is None else url.port

    def stop(self) -> None:
        """Close all ports and end the thread."""
        self._thread.stop()

    async def _open(self, settings: UrlSettings) -> int:
        if (known := self._urls.get(settings.function)) is not None:
            known.settings = settings
            return known.port
        url = FunctionUrl(settings, self._settings.functions, self._settings.publish)
        port = await first_open(
            self._settings.ports,
            lambda port: url.open(self._settings.host, port, self._settings.context),
        )
        self._urls[settings.function] = url
        return port

    async def _close(self, function: str) -> None:
        if (url := self._urls.pop(function, None)) is not None:
            await url.close()

    @contextlib.asynccontextmanager
    async def _all_closed(self) -> AsyncIterator[None]:
        """Close all ports at the end."""
        try:
            yield
        finally:
            for function in list(self._urls):
                await self._close(function)
