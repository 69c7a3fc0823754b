"""App Runner's log streams in CloudWatch Logs (developer guide, Viewing App Runner logs).

A service's events go to the stream `events` of its log group `service`, an operation's events to
`deployment/<operation id>` there, and an instance's output to `instance/<instance id>` of the log
group `application`.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator

from localcloud.aws.account import Account
from localcloud.aws.apprunner.models import Operation, Service, now

_LOG = logging.getLogger(__name__)
_FLUSH_PERIOD = 0.5
_BATCH = 1000
"""PutLogEvents accepts 10,000 events or 1 MiB; lines of containers are long."""
_MAX_PENDING = 50_000
"""Lines kept while CloudWatch Logs is unavailable; later ones are dropped."""
_MAX_LINE = 16 * 1024

_Entry = tuple[str, str, int, str]


class ServiceLog:
    """Collects a service's log events and sends them in batches."""

    def __init__(
        self, account: Account, service: Service, flush_period: float = _FLUSH_PERIOD
    ) -> None:
        """Start with an empty log.

        Args:
            account: receives the events.
            service: the service.
            flush_period: seconds between two batches.
        """
        self._account = account
        self._flush_period = flush_period
        self._groups = f"/aws/apprunner/{service.name}/{service.id}"
        self._pending: list[_Entry] = []
        self._closing = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._sender = asyncio.ensure_future(self._send_regularly())

    def event(self, text: str) -> None:
        """Log an event of the service."""
        self._add(f"{self._groups}/service", "events", _with_time(text))

    def deployment(self, operation: Operation, text: str) -> None:
        """Log an event of an operation."""
        self._add(f"{self._groups}/service", f"deployment/{operation.id}", _with_time(text))

    def output(self, instance_id: str, line: str) -> None:
        """Log a line of an instance's output; safe to call from any thread."""
        group, stream = f"{self._groups}/application", f"instance/{instance_id}"
        with contextlib.suppress(RuntimeError):  # the loop is closed while the stand-in stops
            self._loop.call_soon_threadsafe(self._add, group, stream, line[:_MAX_LINE])

    async def close(self) -> None:
        """Send the remaining events, and stop."""
        self._closing.set()
        await self._sender

    def _add(self, group: str, stream: str, message: str) -> None:
        if message and len(self._pending) < _MAX_PENDING:
            self._pending.append((group, stream, int(now().timestamp() * 1000), message))

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
                await self._account.put_log_events(group, stream, events)
            except Exception:  # logs must never stop a service  # noqa: BLE001
                _LOG.warning("log events of %s were lost", group, exc_info=True)


def _batches(entries: Iterable[_Entry]) -> Iterator[tuple[tuple[str, str], list[tuple[int, str]]]]:
    streams: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for group, stream, at, message in entries:
        streams[group, stream].append((at, message))
    for key, events in streams.items():
        for start in range(0, len(events), _BATCH):
            yield key, events[start : start + _BATCH]


def _with_time(text: str) -> str:
    return f"{now():%m-%d-%Y %I:%M:%S %p} [AppRunner] {text}"
