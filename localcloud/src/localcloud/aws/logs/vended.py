"""VendedLogs: writes the logs of other services' resources to the groups that they go to."""

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

from localcloud.aws.logs.deliveries import Deliveries, Source

_LOG = logging.getLogger(__name__)
_MOST = 10_000
"""Entries of a stream that are kept between two batches, and events of one PutLogEvents."""


class Writer(Protocol):
    """Writes to log groups."""

    async def create_log_stream(self, group: str, stream: str) -> bool:
        """Create a log stream unless it exists, and return whether its group exists."""

    async def put_log_events(
        self,
        group: str,
        stream: str,
        events: Sequence[tuple[int, str]],
        *,
        creates_group: bool = True,
    ) -> None:
        """Write log events."""


class VendedLogs:
    """Collects entries, from any thread, and writes them in batches."""

    def __init__(self, deliveries: Deliveries, writer: Writer) -> None:
        """Start without entries."""
        self._deliveries = deliveries
        self._writer = writer
        self._lock = threading.Lock()
        self._pending: defaultdict[tuple[Source, str], list[tuple[int, str]]] = defaultdict(list)

    def add(self, source: Source, stream: str, entry: Mapping[str, str]) -> None:
        """Add an entry of now; safe to call from any thread.

        Args:
            source: what the entry is about.
            stream: the log stream.
            entry: its fields.
        """
        line = json.dumps(entry, separators=(",", ":"))
        with self._lock:
            waiting = self._pending[source, stream]
            if len(waiting) < _MOST:
                waiting.append((int(time.time() * 1000), line))

    async def send(self) -> None:
        """Write what was added; nothing without a delivery, or without its log group."""
        with self._lock:
            pending, self._pending = self._pending, defaultdict(list)
        for (source, stream), entries in pending.items():
            for group in self._deliveries.groups(source):
                try:
                    if await self._writer.create_log_stream(group, stream):
                        await self._writer.put_log_events(
                            group, stream, entries, creates_group=False
                        )
                except Exception:  # logs must never stop a service  # noqa: BLE001
                    _LOG.warning("log events of %s were lost", group, exc_info=True)
