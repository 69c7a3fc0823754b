"""Watches silent and slow connections to a server: what ends them, and after how long."""

import contextlib
import http.client
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

_CONNECT_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 60.0
_BYTES: Final = 16 * 1024
# The usual limits of servers, in seconds.
_LIMITS: Final = (0, 5, 10, 15, 20, 30, 45, 60, 75, 90, 120, 180, 300, 350, 600, 3600)
# A limit starts before its wait is measured.
_EARLY: Final = 1.0
_LATE: Final = 15.0
OPEN: Final = "open"
"""The event of a connection that nothing has ended."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What is sent over one connection.

    Attributes:
        first: what is sent at once.
        answered: whether an answer to that is read before the connection counts as silent.
        more: what is sent again and again; nothing if it is empty.
        every: how many seconds apart.
    """

    first: bytes
    answered: bool = False
    more: bytes = b""
    every: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a connection ended.

    Attributes:
        event: the status of an answer, `closed`, `reset`, or `open` if nothing ended it.
        seconds: how long after the exchange.
    """

    event: str
    seconds: float

    def text(self, limits: Mapping[str, float] = MappingProxyType({})) -> str:
        """Return the event with its time as a range, so that each run observes the same.

        Limits are observed late rather than early. So a range starts with a usual limit and ends
        with the next.

        Args:
            limits: the seconds of limits that are known, by their names, which replace the range.
        """
        if self.event == OPEN:
            return f"open after {self.seconds:.0f} s"
        for name, limit in limits.items():
            if -_EARLY <= self.seconds - limit < _LATE:
                return f"{self.event} after {name}"
        for lower, upper in pairwise(_LIMITS):
            if self.seconds < upper - _EARLY:
                return f"{self.event} after {lower} to {upper} s"
        return f"{self.event} after {_LIMITS[-1]} s or more"


def watch(
    url: str,
    exchanges: Mapping[str, Exchange],
    *,
    longest: float,
    tls: ssl.SSLContext,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Ending]:
    """Open a connection for each exchange, all at the same time, and return how they end.

    Args:
        url: the server's.
        exchanges: by a name of the caller's choice.
        longest: how many seconds to watch.
        tls: for a URL with https.
        clock: a monotonic time in seconds.

    Raises:
        OSError: a connection can't be opened.
        HTTPException: an exchange wasn't answered as HTTP has it.
    """
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        watched = {}
        for name, exchange in exchanges.items():
            connection = stack.enter_context(_connect(url, tls))
            watched[name] = _Watched(connection, exchange, clock)
            selector.register(connection, selectors.EVENT_READ, name)
        endings: dict[str, Ending] = {}
        end = clock() + longest
        while len(endings) < len(watched) and (left := end - clock()) > 0:
            due = [each.due() for name, each in watched.items() if name not in endings]
            # Data that TLS has read ahead is noticed after a moment, too.
            selector.select(max(min(left, 1.0, *due), 0.0))
            for name, each in watched.items():
                if name not in endings and (ending := each.proceed()):
                    endings[name] = ending
                    selector.unregister(each.connection)
        still_open = Ending(event=OPEN, seconds=longest)
        return {name: endings.get(name, still_open) for name in exchanges}


def _connect(url: str, tls: ssl.SSLContext) -> socket.socket:
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    address = (host, parts.port or (443 if secure else 80))
    connection = socket.create_connection(address, _CONNECT_SECONDS)
    return tls.wrap_socket(connection, server_hostname=host) if secure else connection


class _Watched:
    """One connection since its exchange has begun."""

    def __init__(
        self, connection: socket.socket, exchange: Exchange, clock: Callable[[], float]
    ) -> None:
        self.connection = connection
        self._exchange = exchange
        self._clock = clock
        connection.settimeout(_ANSWER_SECONDS)
        connection.sendall(exchange.first)
        if exchange.answered:
            response = http.client.HTTPResponse(connection)
            response.begin()
            response.read()
        connection.settimeout(0)
        self._since = self._sent = clock()

    def due(self) -> float:
        """Return in how many seconds something has to be sent."""
        if not self._exchange.more:
            return float("inf")
        return self._sent + self._exchange.every - self._clock()

    def proceed(self) -> Ending | None:
        """Send what is due, read what has arrived, and return the ending, if it has ended."""
        try:
            if self.due() <= 0:
                self._sent = self._clock()
                self.connection.sendall(self._exchange.more)
            received = self.connection.recv(_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError:
            return self._ended("reset")
        return self._ended(_status(received) if received else "closed")

    def _ended(self, event: str) -> Ending:
        return Ending(event=event, seconds=self._clock() - self._since)


def _status(received: bytes) -> str:
    """Return the status of a response, of which at least the first line has arrived."""
    with contextlib.suppress(IndexError):
        return received.split(maxsplit=2)[1].decode("ascii", "replace")
    return "data"
