"""A token that another thread renews, so that no call waits for it."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from neo4j_mcp_client import Neo4jMcpError

_INTERVAL: Final = 5.0


class RenewedToken:
    """The current token; a context manager, which starts and ends its renewal."""

    def __init__(self, request: Callable[[], str], *, interval: float = _INTERVAL) -> None:
        """Prepare the renewal.

        Args:
            request: returns a token that is valid long enough, a new one only if necessary.
            interval: seconds between two looks at whether a new one is necessary.
        """
        self._request = request
        self._interval = interval
        self._current = ""
        self._renewals = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="token-renewal", daemon=True)

    @property
    def renewals(self) -> int:
        """How many times the token was replaced."""
        return self._renewals

    def __repr__(self) -> str:
        """Show only the class, since the token is secret."""
        return f"<{type(self).__name__}>"

    def __call__(self) -> str:
        """Return the current token, without waiting."""
        return self._current

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
        self._stopping.set()

    def _renew(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                token = self._request()
            except Neo4jMcpError:
                # The calls show it, once the current token has expired.
                continue
            if token != self._current:
                self._current = token
                self._renewals += 1
