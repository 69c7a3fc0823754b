"""Callers that take new tokens all the time, so that a change of their secret shows at once."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import httpx2

from automation.blanking import Blanker
from automation.checks.context import request_token
from automation.drills.callers import run_query, single_attempt
from neo4j_mcp_client import (
    AccessToken,
    ClientCredentials,
    CredentialsSource,
    Neo4jMcp,
    TokenProvider,
)

RENEWAL_SECONDS: Final = 1.0
"""How long these callers use a token."""

Clock = Callable[[], float]


class TokenRefusedError(Exception):
    """The token endpoint refuses the secret that a caller has kept."""


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A token that was issued to a caller.

    Attributes:
        at: when, in seconds since the drill began.
        secret: the number of the client secret that it was requested with.
    """

    at: float
    secret: int


def count(issued: Sequence[Issued], *, secret: int, since: float = 0.0) -> int:
    """Count the tokens that were issued for a client secret.

    Args:
        since: seconds since the drill began; tokens that were issued before don't count.
    """
    return sum(each.secret == secret and each.at >= since for each in issued)


def summarize(issued: Sequence[Issued]) -> dict[str, dict[str, float]]:
    """Summarize tokens by client secret.

    Returns:
        For each client secret, the number of tokens, and when the first and the last one was
        issued, in seconds since the drill began.
    """
    times: dict[int, list[float]] = {}
    for each in issued:
        times.setdefault(each.secret, []).append(each.at)
    return {
        f"client secret {number}": {
            "tokens": len(found),
            "first": round(min(found), 1),
            "last": round(max(found), 1),
        }
        for number, found in sorted(times.items())
    }


class Numbers:
    """Numbers a client's secrets from 1, so that they can be told apart without their values."""

    def __init__(self, blanker: Blanker) -> None:
        """Start without a secret.

        Args:
            blanker: learns each secret.
        """
        self._blanker = blanker
        self._lock = threading.Lock()
        self._values: list[str] = []

    def number(self, credentials: ClientCredentials) -> int:
        """Return the number of a client secret, the next one if it is new."""
        with self._lock:
            if credentials.client_secret not in self._values:
                self._blanker.learn(credentials.client_secret, username=credentials.client_id)
                self._values.append(credentials.client_secret)
            return self._values.index(credentials.client_secret) + 1


class TokenLog:
    """The tokens that were issued to a group of callers."""

    def __init__(self, numbers: Numbers, clock: Clock) -> None:
        """Start without a token.

        Args:
            clock: returns the seconds since the drill began.
        """
        self._numbers = numbers
        self._clock = clock
        self._issued: list[Issued] = []

    def add(self, credentials: ClientCredentials) -> None:
        """Add a token that has just been issued for these credentials."""
        self._issued.append(Issued(at=self._clock(), secret=self._numbers.number(credentials)))

    @property
    def issued(self) -> Sequence[Issued]:
        """The tokens, in the order in which they were issued."""
        return tuple(self._issued)


class SecretKeeper:
    """A caller that reads its secret when it starts, and keeps it. Every call is sent once."""

    def __init__(
        self,
        read: Callable[[], ClientCredentials],
        http: httpx2.Client,
        tokens: TokenLog,
        clock: Clock,
    ) -> None:
        """Start: read the secret.

        Args:
            read: reads the client's credentials.
            tokens: receives the tokens that are issued.
            clock: returns a time in seconds.
        """
        self._read = read
        self._http = http
        self._tokens = tokens
        self._clock = clock
        self._lock = threading.Lock()
        self._credentials = read()
        self._token = ""
        self._renewal = clock()
        self.call = single_attempt(http, self._credentials.mcp_url, self._current_token)

    def restart(self) -> None:
        """Read the secret again, as an operator who restarts the caller makes it do."""
        with self._lock:
            self._credentials = self._read()
            self._renewal = self._clock()

    def _current_token(self) -> str:
        with self._lock:
            if self._clock() >= self._renewal:
                self._token = self._request()
                self._tokens.add(self._credentials)
                self._renewal = self._clock() + RENEWAL_SECONDS
            return self._token

    def _request(self) -> str:
        response = request_token(self._http, self._credentials)
        if response.is_client_error:
            raise TokenRefusedError(f"HTTP {response.status_code}: {response.text}")
        response.raise_for_status()
        return str(response.json()["access_token"])


class LibraryCaller:
    """A caller with the client library, which rereads the secret when it is refused."""

    def __init__(
        self,
        client: Neo4jMcp,
        provider: TokenProvider,
        source: CredentialsSource,
        tokens: TokenLog,
        clock: Clock,
    ) -> None:
        """Start without a token.

        Args:
            client: makes the calls, with the provider's tokens.
            provider: gets its credentials from the source.
            tokens: receives the tokens that are issued.
            clock: returns a time in seconds.
        """
        self._client = client
        self._provider = provider
        self._source = source
        self._tokens = tokens
        self._clock = clock
        self._lock = threading.Lock()
        self._token: AccessToken | None = None
        self._renewal = 0.0

    def call(self) -> None:
        """Make a call, with a new token if the last one has been used for a second.

        Raises:
            Neo4jMcpError: it failed.
        """
        with self._lock:
            self._renew()
        run_query(self._client)

    def _renew(self) -> None:
        if self._token is not None and self._clock() >= self._renewal:
            self._provider.invalidate(self._token, expired=True)
        token = self._provider.token()
        if token != self._token:
            self._token = token
            self._tokens.add(self._source.current())
            self._renewal = self._clock() + RENEWAL_SECONDS
