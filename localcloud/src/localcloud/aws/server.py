"""The endpoint's HTTP server."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp

from localcloud.aws.periodic import Work, repeat

_GRACE = 2
_KEEP_ALIVE = 65
"""Seconds; longer than clients keep idle connections, so none is closed while it is reused."""
_SCHEDULE_PERIOD = 0.5
"""Seconds between two rounds of periodic work."""


class EndpointServer(uvicorn.Server):
    """Announces that it is ready, and stops the services before itself."""

    def __init__(
        self,
        application: ASGIApp,
        *,
        on_ready: Callable[[], None],
        on_stop: Callable[[], None],
        periodic: Sequence[Work],
    ) -> None:
        """Prepare the server without starting it.

        Args:
            application: answers the requests.
            on_ready: called once requests are answered.
            on_stop: called in a thread before the server stops, while it still answers.
            periodic: work to repeat.
        """
        super().__init__(
            uvicorn.Config(
                application,
                loop="uvloop",
                log_config=None,
                access_log=False,
                # Headers of the caller don't change its address, and there are no WebSockets.
                proxy_headers=False,
                ws="none",
                timeout_graceful_shutdown=_GRACE,
                timeout_keep_alive=_KEEP_ALIVE,
                server_header=False,
                date_header=False,
            )
        )
        self._on_ready = on_ready
        self._on_stop = on_stop
        self._periodic = periodic
        self._repeating: asyncio.Task[NoReturn] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGTERM and SIGINT.

        uvicorn's own raises the signal again after its clean-up, which would kill the process.
        """
        handled = (signal.SIGTERM, signal.SIGINT)
        previous = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer requests."""
        await super().startup(sockets)
        if self.started:
            self._repeating = asyncio.create_task(repeat(self._periodic, period=_SCHEDULE_PERIOD))
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the services, then the server."""
        if self._repeating is not None:
            self._repeating.cancel()
        # App Runner and ECS send their last logs to this server meanwhile.
        await asyncio.to_thread(self._on_stop)
        await super().shutdown(sockets)
