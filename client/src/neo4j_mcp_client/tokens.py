"""Access tokens: taken once for each lifetime, kept, and renewed in time."""

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
    InvalidClientError,
    Neo4jMcpError,
    NetworkError,
    TokenEndpointUnavailableError,
    TokenRequestError,
)
from neo4j_mcp_client.forks import on_fork
from neo4j_mcp_client.origins import origin_of
from neo4j_mcp_client.retries import BackOff
from neo4j_mcp_client.single_flight import Landed, SingleFlight
from neo4j_mcp_client.token_endpoint import request_token
from neo4j_mcp_client.transport import CONNECT_TIMEOUT
from neo4j_mcp_client.trust import find_ca_bundle

SERVER_LIMIT = 60.0
"""Seconds that the server gives a call; a token must outlive it."""

_MARGIN = 120.0
_REQUEST_TIMEOUT = 10.0
# After an early renewal that failed while the token is still good: how long until the next.
_NEXT_EARLY_RENEWAL = 10.0
# A token that is refused this soon after it was issued isn't stale: another one won't help, and
# each costs money.
_TOO_YOUNG_TO_BE_STALE = 10.0

_PASSING = (NetworkError, TokenEndpointUnavailableError)

_log = logging.getLogger(__name__)


class TokenCache(Protocol):
    """Where tokens are kept beside this process's memory."""

    def get(self, key: str) -> AccessToken | None:
        """Return the token that is kept.

        Returns:
            The token, however old, or None if there is none.

        Raises:
            ConfigurationError: the cache can't be read.
        """

    def put(self, key: str, token: AccessToken) -> None:
        """Keep a token in the place of the one before.

        Raises:
            ConfigurationError: the cache can't be written.
        """

    def lock(self, timeout: float) -> AbstractContextManager[object]:
        """Keep the other processes from taking a token.

        Args:
            timeout: seconds to wait for them.

        Raises:
            ConfigurationError: on entering, they didn't end in time.
        """


class TokenProvider:
    """Shares tokens among threads and asyncio tasks, with as few requests as possible.

    One request is made for each lifetime of a token, however many ask at once.
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
    ) -> None:
        """Prepare; the first token is taken when it is asked for.

        Args:
            cache: shared with other processes; none by default.
            margin: how many seconds before its end a token is renewed.
            timeout: seconds that the token endpoint may take to answer.

        Raises:
            ConfigurationError: the certificate authorities can't be used.
        """
        self._source = as_source(credentials)
        self._cache = cache
        self._margin = margin
        self._ca_bundle = find_ca_bundle(ca_bundle)
        self._back_off = back_off or BackOff()
        self._timeout = timeout
        # Two rounds, since a changed secret begins a second one.
        self._patience = 2 * (self._back_off.limit + timeout + CONNECT_TIMEOUT)
        self._flight = SingleFlight[AccessToken]()
        self._unlock()
        on_fork(self._unlock)
        self._current: AccessToken | None = None
        self._refused: str | None = None
        self._no_early_renewal_before = 0.0

    def _unlock(self) -> None:
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Name the class alone."""
        return f"<{type(self).__name__}>"

    @property
    def mcp_url(self) -> str:
        """The address that the tokens are for, as the credentials name it.

        Raises:
            Neo4jMcpError: the credentials can't be read; the first time, that may block.
        """
        return self._source.current().mcp_url

    def token(self, minimum_lifetime: float = SERVER_LIMIT) -> AccessToken:
        """Return a token, a new one where that is due.

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
        deadline = time.monotonic() + self._patience
        while (token := self._kept(minimum_lifetime)) is None:
            left = deadline - time.monotonic()
            try:
                landed = self._flight.run(self._renewal(minimum_lifetime), patience=max(0.0, left))
            except TimeoutError:
                raise self._took_too_long() from None
            except _PASSING as error:
                token = self._still_good(minimum_lifetime, error)
                if token is None:
                    raise
            else:
                token = _accepted(landed, minimum_lifetime)
            if token is not None:
                break
        return token

    async def token_async(self, minimum_lifetime: float = SERVER_LIMIT) -> AccessToken:
        """Return a token like `token`, without blocking asyncio's event loop.

        Threads and tasks share one request.

        Raises:
            Neo4jMcpError: as `token` does.
        """
        deadline = time.monotonic() + self._patience
        while (token := self._kept(minimum_lifetime)) is None:
            left = deadline - time.monotonic()
            try:
                landed = await self._flight.run_async(
                    self._renewal(minimum_lifetime), patience=max(0.0, left)
                )
            except TimeoutError:
                raise self._took_too_long() from None
            except _PASSING as error:
                token = self._still_good(minimum_lifetime, error)
                if token is None:
                    raise
            else:
                token = _accepted(landed, minimum_lifetime)
            if token is not None:
                break
        return token

    def invalidate(self, token: AccessToken, *, expired: bool = False) -> bool:
        """Take notice that a token was refused, so that the next one is another."""
        if not expired and time.time() - token.issued_at < _TOO_YOUNG_TO_BE_STALE:
            return False
        with self._lock:
            self._refused = token.value
            # Of many callers with the same token, only the first finds it here.
            if self._current is not None and self._current.value == token.value:
                self._current = None
        return True

    def _kept(self, minimum_lifetime: float) -> AccessToken | None:
        token, now = self._current, time.time()
        if token is None or not _suffices(token, minimum_lifetime, now):
            return None
        early = now >= self._no_early_renewal_before
        return None if early and not token.lasts(self._margin, now) else token

    def _renewal(self, minimum_lifetime: float) -> Callable[[], AccessToken]:
        return lambda: self._renew(minimum_lifetime)

    def _renew(self, minimum_lifetime: float) -> AccessToken:
        kept = self._kept(minimum_lifetime)
        if kept is not None:
            # Another thread renewed it between this one's look and its turn.
            return kept
        current = self._current
        still_good = current is not None and _suffices(current, minimum_lifetime, time.time())
        back_off = replace(self._back_off, attempts=1) if still_good else self._back_off
        token = self._take(minimum_lifetime, back_off)
        with self._lock:
            self._current = token
        return token

    def _still_good(self, minimum_lifetime: float, error: Neo4jMcpError) -> AccessToken | None:
        """Find a token that lasts long enough for this caller, after an early renewal failed."""
        current, now = self._current, time.time()
        if current is None or not _suffices(current, minimum_lifetime, now):
            return None
        if now >= self._no_early_renewal_before:
            self._no_early_renewal_before = now + _NEXT_EARLY_RENEWAL
            _log.warning("A token isn't renewed early, and is used on: %s", error.message)
        return current

    def _take(self, minimum_lifetime: float, back_off: BackOff) -> AccessToken:
        credentials = self._source.current()
        cache = self._cache
        with nullcontext() if cache is None else cache.lock(self._patience):
            if cache is not None:
                shared = cache.get(cache_key(credentials))
                if (
                    shared is not None
                    and shared.value != self._refused
                    and shared.lasts(self._margin, time.time())
                    and _suffices(shared, minimum_lifetime, time.time())
                ):
                    return shared
            try:
                token = self._request(credentials, back_off)
            except InvalidClientError:
                # Rotation may have replaced the secret since it was read.
                if not self._source.refresh():
                    raise
                credentials = self._source.current()
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
                    now=time.time(),
                )
            except _PASSING as error:
                pause = back_off.pause(
                    attempt,
                    elapsed=time.monotonic() - started,
                    retry_after=getattr(error, "retry_after", None),
                )
                if pause is None:
                    raise
                _log.info("The token request is repeated in %.1f s: %s", pause, error.message)
            time.sleep(pause)

    def _took_too_long(self) -> TokenEndpointUnavailableError:
        return TokenEndpointUnavailableError(
            f"gave no token within {self._patience:.0f} s.", status=None
        )


def _suffices(token: AccessToken, minimum_lifetime: float, now: float) -> bool:
    if minimum_lifetime > SERVER_LIMIT:
        return token.expires_at - now >= minimum_lifetime
    return token.lasts(minimum_lifetime, now)


def _accepted(landed: Landed[AccessToken], minimum_lifetime: float) -> AccessToken | None:
    """Return whether what came out of a flight is good for a caller, who may not have led it.

    Args:
        minimum_lifetime: seconds that this caller needs.

    Returns:
        The token, or None if another's was taken for less, and this caller has to ask again.

    Raises:
        TokenRequestError: this caller asked, and tokens don't live that long.
    """
    token = landed.result
    if _suffices(token, minimum_lifetime, time.time()):
        return token
    # Where tokens live shorter than a call may take, or nobody knows how long, there is no better.
    if minimum_lifetime <= SERVER_LIMIT and (landed.own or not token.lifetime):
        return token
    if landed.own:
        raise TokenRequestError(
            f"issues tokens for {token.lifetime:.0f} s, and {minimum_lifetime:.0f} s are needed.",
            remedy="Ask for less, or let tokens live longer: `pulumi config set --path"
            " neo4j-mcp:clients.<name>.tokenValidityMinutes <minutes>`, then `pulumi up`.",
        )
    return None


def cache_key(credentials: ClientCredentials) -> str:
    """Name a client's tokens in a cache."""
    parts = (
        credentials.token_url,
        str(origin_of(credentials.mcp_url)),
        credentials.client_id,
        *sorted(credentials.scopes),
    )
    return sha256("\0".join(parts).encode()).hexdigest()
