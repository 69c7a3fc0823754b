"""Sends log events to CloudWatch Logs in batches."""

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

_LOG = logging.getLogger(__name__)
LOG_FLUSH_PERIOD = 0.5
_BATCH = 1000
"""PutLogEvents accepts 10,000 events or 1 MiB; lines of containers are long."""
_MAX_PENDING = 50_000
"""Lines kept while CloudWatch Logs is unavailable; later ones are dropped."""
_MAX_LINE = 16 * 1024

_Entry = tuple[str, str, int, str]

PutEvents = Callable[[str, str, Sequence[tuple[int, str]]], Awaitable[None]]
"""Called with a log group, a log stream, and times in milliseconds with messages, oldest first."""


class LogSender:
    """Collects log events of one service and sends them in batches."""

    def __init__(self, put_events: PutEvents, *, flush_period: float = LOG_FLUSH_PERIOD) -> None:
        """Start without events.

        Args:
            put_events: writes events.
            flush_period: seconds between two batches.
        """
        self._put_events = put_events
        self._flush_period = flush_period
        self._pending: list[_Entry] = []
        self._closing = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._sender = asyncio.ensure_future(self._send_regularly())

    def add(self, group: str, stream: str, message: str) -> None:
        """Add an event that happens now."""
        if message and len(self._pending) < _MAX_PENDING:
            self._pending.append((group, stream, int(time.time() * 1000), message[:_MAX_LINE]))

    def add_from_thread(self, group: str, stream: str, message: str) -> None:
        """Add an event that happens now; safe to call from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed while the stand-in stops
            self._loop.call_soon_threadsafe(self.add, group, stream, message)

    async def close(self) -> None:
        """Send the remaining events, and stop."""
        self._closing.set()
        await self._sender

    async def _send_regularly(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._flush_period):
                    await self._closing.wait()
            await self._flush()

    async def _flush(self) -> None:
        pending, self._pending = self._pending, []
        for (group, stream), events in _batches(pending):
            try:
                await self._put_events(group, stream, events)
            except Exception:  # logs must never stop a service  # noqa: BLE001
                _LOG.warning("log events of %s were lost", group, exc_info=True)


def _batches(entries: Iterable[_Entry]) -> Iterator[tuple[tuple[str, str], list[tuple[int, str]]]]:
    streams: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for group, stream, at, message in entries:
        streams[group, stream].append((at, message))
    for key, events in streams.items():
        for start in range(0, len(events), _BATCH):
            yield key, events[start : start + _BATCH]
