"""Tokens that another thread renews, so that no call waits for one."""

import itertools
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from neo4j_mcp_client import Neo4jMcpError

_INTERVAL: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class ClientToken:
    """An access token.

    Attributes:
        client: the client that it was issued for.
        value: the token.
    """

    client: str
    value: str = field(repr=False)


def _nothing(_token: str) -> None:
    """Do nothing about a rejected token."""


class RenewedToken:
    """The current token; a context manager, which starts and ends its renewal."""

    def __init__(
        self,
        request: Callable[[], str],
        *,
        discard: Callable[[str], object] = _nothing,
        interval: float = _INTERVAL,
    ) -> None:
        """Prepare the renewal.

        Args:
            request: returns a token that is valid long enough, a new one only if necessary.
            discard: makes `request` return another token than a rejected one.
            interval: seconds between two looks at whether a new one is necessary.
        """
        self._request = request
        self._discard = discard
        self._interval = interval
        self._current = ""
        self._renewals = 0
        self._rejected: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._renew, name="token-renewal", daemon=True)

    @property
    def renewals(self) -> int:
        """How many times the token was replaced."""
        return self._renewals

    @property
    def rejections(self) -> int:
        """How many tokens were rejected."""
        return len(self._rejected)

    def __repr__(self) -> str:
        """Show only the class, since the token is secret."""
        return f"<{type(self).__name__}>"

    def __call__(self) -> str:
        """Return the current token, without waiting."""
        return self._current

    def reject(self, token: str) -> None:
        """Have a rejected token replaced; does nothing for one that was replaced already."""
        with self._lock:
            # Calls that were under way with it may be rejected too.
            if token != self._current or token in self._rejected:
                return
            self._rejected.add(token)
        self._wake.set()

    def __enter__(self) -> Self:
        """Request the first token.

        Raises:
            Neo4jMcpError: there is none.
        """
        self._current = self._request()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the renewal."""
        # Not joined: the thread may still wait for the token endpoint.
        self._stopping = True
        self._wake.set()

    def _renew(self) -> None:
        while True:
            self._wake.wait(self._interval)
            self._wake.clear()
            if self._stopping:
                return
            if self._current in self._rejected:
                self._discard(self._current)
            try:
                token = self._request()
            except Neo4jMcpError:
                # The calls show it, once the current token has expired.
                continue
            if token != self._current:
                self._current = token
                self._renewals += 1


class SeveralTokens:
    """The tokens of several clients, whose calls take turns; a context manager as one token is."""

    def __init__(self, tokens: Mapping[str, RenewedToken]) -> None:
        """Use tokens, at least one, by the clients' names."""
        self._tokens = tokens
        self._order = itertools.cycle(tokens)
        self._lock = threading.Lock()
        self._stack = ExitStack()

    def first(self) -> ClientToken:
        """Return the first client's token, without waiting."""
        return self._current(next(iter(self._tokens)))

    @property
    def renewals(self) -> int:
        """How many times a token was replaced."""
        return sum(each.renewals for each in self._tokens.values())

    @property
    def rejections(self) -> int:
        """How many tokens were rejected."""
        return sum(each.rejections for each in self._tokens.values())

    def __call__(self) -> ClientToken:
        """Return the next client's token, without waiting."""
        with self._lock:
            return self._current(next(self._order))

    def reject(self, token: str) -> None:
        """Have a rejected token replaced."""
        for each in self._tokens.values():
            each.reject(token)

    def __enter__(self) -> Self:
        """Request the first tokens.

        Raises:
            Neo4jMcpError: there is none for a client.
        """
        with ExitStack() as stack:
            for each in self._tokens.values():
                stack.enter_context(each)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the renewals."""
        self._stack.close()

    def _current(self, client: str) -> ClientToken:
        return ClientToken(client=client, value=self._tokens[client]())
