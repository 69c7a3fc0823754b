"""A token endpoint on this machine that forwards requests, and can fail."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import httpx2

from automation.proxy import Request, Response, forward

_RETRY_AFTER: Final = 1
_SERVER_ERRORS: Final = (500, 502, 503, 504)
_DELAYS: Final = (0.5, 4.0)
# The client library gives up long before, however often it asks.
_LONGEST_HANG: Final = 300.0

Fault = Callable[[Request], Response | None]


class TokenEndpoint:
    """Responds to token requests as the stack's token endpoint does, or with a fault."""

    def __init__(self, http: httpx2.Client, url: str, chance: random.Random) -> None:
        """Forward requests until there is a fault.

        Args:
            url: the stack's token endpoint.
            chance: chooses delays and statuses.
        """
        self._http = http
        self._url = url
        self._chance = chance
        self._fault: Fault | None = None
        self._ended = threading.Event()

    def respond(self, request: Request) -> Response | None:
        """Respond to a request, or reset its connection."""
        fault = self._fault
        return self._forward(request) if fault is None else fault(request)

    @contextmanager
    def slow(self) -> Iterator[None]:
        """Respond late during the block."""
        with self._failing(self._late):
            yield

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Don't respond during the block."""
        with self._failing(lambda _: self._never()):
            yield

    @contextmanager
    def throttling(self) -> Iterator[None]:
        """Respond with 429 during the block."""
        headers = {"Retry-After": str(_RETRY_AFTER)}
        with self._failing(lambda _: Response(status=429, headers=headers)):
            yield

    @contextmanager
    def breaking(self, statuses: Sequence[int] = _SERVER_ERRORS) -> Iterator[None]:
        """Respond with one of these statuses during the block."""
        with self._failing(lambda _: Response(status=self._chance.choice(statuses))):
            yield

    @contextmanager
    def resetting(self) -> Iterator[None]:
        """Reset every connection during the block."""
        with self._failing(lambda _: None):
            yield

    @contextmanager
    def _failing(self, fault: Fault) -> Iterator[None]:
        self._ended.clear()
        self._fault = fault
        try:
            yield
        finally:
            self._fault = None
            self._ended.set()

    def _forward(self, request: Request) -> Response:
        return forward(self._http, self._url, request)

    def _late(self, request: Request) -> Response:
        self._ended.wait(self._chance.uniform(*_DELAYS))
        return self._forward(request)

    def _never(self) -> None:
        self._ended.wait(_LONGEST_HANG)
