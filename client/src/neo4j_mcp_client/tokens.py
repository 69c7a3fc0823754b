"""Access tokens: requested once per lifetime, cached, and renewed in time."""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from hashlib import sha256
from typing import Protocol

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.credentials import ClientCredentials, CredentialsSource, as_source
from neo4j_mcp_client.errors import (
    ClientDisabledError,
    InvalidClientError,
    InvalidScopeError,
    Neo4jMcpError,
    NetworkError,
    TokenEndpointUnavailableError,
    TokenRequestError,
)
from neo4j_mcp_client.forks import on_fork
from neo4j_mcp_client.origins import origin_of
from neo4j_mcp_client.retries import BackOff
from neo4j_mcp_client.single_flight import Outcome, SingleFlight
from neo4j_mcp_client.token_endpoint import request_token
from neo4j_mcp_client.transport import CONNECT_TIMEOUT
from neo4j_mcp_client.trust import find_ca_bundle

SERVER_LIMIT = 60.0
"""The server's time limit for a call, in seconds; a token must outlive it."""

_MARGIN = 120.0
_REQUEST_TIMEOUT = 10.0
# Seconds until the next early renewal, if one failed while the token is still valid.
_NEXT_EARLY_RENEWAL = 10.0
# A token rejected this soon after its issue isn't stale: another one won't help, and each costs
# money.
_JUST_ISSUED = 10.0

_TRANSIENT = (NetworkError, TokenEndpointUnavailableError)
_OUTDATED = (InvalidClientError, InvalidScopeError, ClientDisabledError)

_log = logging.getLogger(__name__)


class TokenCache(Protocol):
    """A cache of tokens that outlives this process."""

    def get(self, key: str) -> AccessToken | None:
        """Return the cached token.

        Returns:
            The token, however old, or None if there is none.

        Raises:
            ConfigurationError: the cache can't be read.
        """

    def put(self, key: str, token: AccessToken) -> None:
        """Save a token, replacing the previous one.

        Raises:
            ConfigurationError: the cache can't be written.
        """

    def lock(self, timeout: float) -> AbstractContextManager[object]:
        """Keep other processes from requesting a token.

        Args:
            timeout: seconds to wait for them.

        Raises:
            ConfigurationError: another process held the lock for longer.
        """


class TokenProvider:
    """Shares tokens among threads and asyncio tasks, with as few requests as possible.

    It makes one request per lifetime of a token, however many callers ask at once.
    """

    def __init__(
        self,
        credentials: ClientCredentials | CredentialsSource,
        *,
        cache: TokenCache | None = None,
        margin: float = _MARGIN,
        ca_bundle: str | os.PathLike[str] | None = None,
        back_off: BackOff | None = None,
        timeout: float = _REQUEST_TIMEOUT,
        wait_limit: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create a provider; it requests the first token when a caller needs one.

        Args:
            cache: shared with other processes; none by default.
            margin: seconds before its expiry at which a token is renewed.
            timeout: seconds that the token endpoint may take to answer.
            wait_limit: seconds that a caller waits for a token, or for another process that
                requests one; defaults to the time for two series of attempts.
            clock: returns the time in seconds since the epoch.

        Raises:
            ConfigurationError: the certificate authorities can't be used.
        """
        self._source = as_source(credentials)
        self._cache = cache
        self._margin = margin
        self._ca_bundle = find_ca_bundle(ca_bundle)
        self._back_off = back_off or BackOff()
        self._timeout = timeout
        longest = longest_wait(self._back_off, timeout)
        self._wait_limit = longest if wait_limit is None else wait_limit
        self._clock = clock
        self._flight = SingleFlight[AccessToken]()
        self._reset_lock()
        on_fork(self._reset_lock)
        self._current: AccessToken | None = None
        self._refused: str | None = None
        self._no_early_renewal_before = 0.0

    def _reset_lock(self) -> None:
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Show only the class, since the rest may be secret."""
        return f"<{type(self).__name__}>"

    @property
    def mcp_url(self) -> str:
        """The server's address in the credentials.

        Raises:
            Neo4jMcpError: the credentials can't be read; the first time, that may block.
        """
        return self._source.current().mcp_url

    def token(self, minimum_lifetime: float = SERVER_LIMIT) -> AccessToken:
        """Return a valid token, requesting or renewing it if needed.

        Args:
            minimum_lifetime: seconds that the token must still be valid for: the time limit of
                the call that carries it. Up to the server's own limit, half of a short-lived
                token's lifetime is enough; beyond it, the token lasts as long as asked for.

        Raises:
            TokenRequestError: there is none, or none that lasts; its subclasses say why.
            NetworkError: the token endpoint doesn't answer.
            TlsError: its certificate isn't trusted.
            SecretStoreError: the credentials can't be read.
            ConfigurationError: they are wrong, or the cache can't be used.
        """
        deadline = time.monotonic() + self._wait_limit
        while (token := self._cached(minimum_lifetime)) is None:
            left = deadline - time.monotonic()
            try:
                outcome = self._flight.run(
                    self._renewal(minimum_lifetime), wait_limit=max(0.0, left)
                )
            except TimeoutError:
                raise self._timeout_error() from None
            except _TRANSIENT as error:
                token = self._usable_token(minimum_lifetime, error)
                if token is None:
                    raise
            else:
                token = _checked(outcome, minimum_lifetime, self._clock())
            if token is not None:
                break
        return token

    async def token_async(self, minimum_lifetime: float = SERVER_LIMIT) -> AccessToken:
        """Return a token like `token`, without blocking asyncio's event loop.

        Threads and tasks share one request.

        Raises:
            Neo4jMcpError: as `token` does.
        """
        deadline = time.monotonic() + self._wait_limit
        while (token := self._cached(minimum_lifetime)) is None:
            left = deadline - time.monotonic()
            try:
                outcome = await self._flight.run_async(
                    self._renewal(minimum_lifetime), wait_limit=max(0.0, left)
                )
            except TimeoutError:
                raise self._timeout_error() from None
            except _TRANSIENT as error:
                token = self._usable_token(minimum_lifetime, error)
                if token is None:
                    raise
            else:
                token = _checked(outcome, minimum_lifetime, self._clock())
            if token is not None:
                break
        return token

    def invalidate(self, token: AccessToken, *, expired: bool = False) -> bool:
        """Discard a token that the server rejected."""
        if not expired and self._clock() - token.issued_at < _JUST_ISSUED:
            return False
        with self._lock:
            self._refused = token.value
            # Another caller with the same token may already have replaced it.
            if self._current is not None and self._current.value == token.value:
                self._current = None
        return True

    def _cached(self, minimum_lifetime: float) -> AccessToken | None:
        token, now = self._current, self._clock()
        if token is None or not _lasts(token, minimum_lifetime, now):
            return None
        early = now >= self._no_early_renewal_before
        return None if early and not token.lasts(self._margin, now) else token

    def _renewal(self, minimum_lifetime: float) -> Callable[[], AccessToken]:
        return lambda: self._renew(minimum_lifetime)

    def _renew(self, minimum_lifetime: float) -> AccessToken:
        kept = self._cached(minimum_lifetime)
        if kept is not None:
            # Another thread has renewed it in the meantime.
            return kept
        current = self._current
        still_good = current is not None and _lasts(current, minimum_lifetime, self._clock())
        back_off = replace(self._back_off, attempts=1) if still_good else self._back_off
        token = self._fetch(minimum_lifetime, back_off)
        with self._lock:
            self._current = token
        return token

    def _usable_token(self, minimum_lifetime: float, error: Neo4jMcpError) -> AccessToken | None:
        """Return the current token if it lasts long enough although its early renewal failed."""
        current, now = self._current, self._clock()
        if current is None or not _lasts(current, minimum_lifetime, now):
            return None
        if now >= self._no_early_renewal_before:
            self._no_early_renewal_before = now + _NEXT_EARLY_RENEWAL
            _log.warning(
                "The early renewal of a token failed; the token stays in use: %s", error.message
            )
        return current

    def _fetch(self, minimum_lifetime: float, back_off: BackOff) -> AccessToken:
        credentials = self._source.current()
        cache = self._cache
        with nullcontext() if cache is None else cache.lock(self._wait_limit):
            if cache is not None:
                shared = cache.get(cache_key(credentials))
                if (
                    shared is not None
                    and shared.value != self._refused
                    and shared.lasts(self._margin, self._clock())
                    and _lasts(shared, minimum_lifetime, self._clock())
                ):
                    return shared
            try:
                token = self._request(credentials, back_off)
            except _OUTDATED:
                # A rotation may have replaced the secret, and a deployment its scopes.
                refused = credentials
                changed = self._source.refresh()
                credentials = self._source.current()
                # Another provider with the same source may have read them before this one.
                if not changed and credentials == refused:
                    raise
                token = self._request(credentials, back_off)
            if cache is not None:
                cache.put(cache_key(credentials), token)
            return token

    def _request(self, credentials: ClientCredentials, back_off: BackOff) -> AccessToken:
        started = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            try:
                return request_token(
                    credentials,
                    ca_bundle=self._ca_bundle,
                    timeout=self._timeout,
                    now=self._clock(),
                )
            except _TRANSIENT as error:
                pause = back_off.pause(
                    attempt,
                    elapsed=time.monotonic() - started,
                    retry_after=getattr(error, "retry_after", None),
                )
                if pause is None:
                    raise
                _log.info("Retrying the token request in %.1f s: %s", pause, error.message)
            time.sleep(pause)

    def _timeout_error(self) -> TokenEndpointUnavailableError:
        return TokenEndpointUnavailableError(
            f"no token within {self._wait_limit:.0f} s.", status=None
        )


def longest_wait(back_off: BackOff | None = None, timeout: float = _REQUEST_TIMEOUT) -> float:
    """Return how long a caller waits for a token by default, in seconds.

    Args:
        back_off: the pauses between the attempts of a token request.
        timeout: seconds that the token endpoint may take to answer.
    """
    # Twice, since a rotated secret starts a second series of attempts.
    return 2 * ((back_off or BackOff()).limit + timeout + CONNECT_TIMEOUT)


def _lasts(token: AccessToken, minimum_lifetime: float, now: float) -> bool:
    if minimum_lifetime > SERVER_LIMIT:
        return token.expires_at - now >= minimum_lifetime
    return token.lasts(minimum_lifetime, now)


def _checked(
    outcome: Outcome[AccessToken], minimum_lifetime: float, now: float
) -> AccessToken | None:
    """Return a requested token if it lasts long enough for this caller.

    Args:
        minimum_lifetime: seconds that this caller needs.

    Returns:
        The token, or None if another caller requested it for less, and this one has to ask again.

    Raises:
        TokenRequestError: this caller requested it, and tokens don't last that long.
    """
    token = outcome.result
    if _lasts(token, minimum_lifetime, now):
        return token
    # If tokens expire sooner than a call may take, or their lifetime is unknown, none is better.
    if minimum_lifetime <= SERVER_LIMIT and (outcome.own or not token.lifetime):
        return token
    if outcome.own:
        raise TokenRequestError(
            f"tokens last {token.lifetime:.0f} s, but {minimum_lifetime:.0f} s are needed.",
            remedy="Pass a smaller minimum_lifetime, or issue tokens for longer: `pulumi config set"
            " --path neo4j-mcp:clients.<name>.tokenValidityMinutes <minutes>`, then `pulumi up`.",
        )
    return None


def cache_key(credentials: ClientCredentials) -> str:
    """Return the key of a client's tokens in a cache."""
    parts = (
        credentials.token_url,
        str(origin_of(credentials.mcp_url)),
        credentials.client_id,
        *sorted(credentials.scopes),
    )
    return sha256("\0".join(parts).encode()).hexdigest()
