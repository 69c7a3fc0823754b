"""Who may log on: the instance's own users by password, everybody else by bearer token."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from localcloud.aura.messages import BoltError, Code
from localcloud.aura.oidc import FetchJson, Principal, TokenVerifier, token_expired
from localcloud.aura.packstream import Value
from localcloud.aura.sso import SsoSettings

CACHE_SECONDS: Final = 600.0
"""Neo4j's default of dbms.security.auth_cache_ttl."""

_SCHEMES: Final = frozenset({"bearer", "none", "kerberos"})


@dataclass(frozen=True)
class Identity:
    """Who is logged on through a token.

    Attributes:
        principal: the user.
        authorized_until: when the cached rights expire, in seconds since the epoch.
        revision: the revision of the single sign-on settings that the rights come from.
    """

    principal: Principal
    authorized_until: float
    revision: int


@dataclass(frozen=True)
class NativeUser:
    """A user of the database itself: the database checks the password.

    Attributes:
        auth: what the client sent.
    """

    auth: Mapping[str, Value] = field(repr=False)


class Authenticator:
    """Checks credentials against the single sign-on settings of the moment."""

    def __init__(
        self,
        fetch: FetchJson,
        *,
        cache_seconds: float = CACHE_SECONDS,
        refetch_floor_seconds: float = 30.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin without single sign-on.

        Args:
            fetch: gets the provider's documents.
            cache_seconds: how long a user's rights are remembered.
            refetch_floor_seconds: the least time between two fetches of the provider's keys.
            clock: the time, in seconds since the epoch.
        """
        self._fetch = fetch
        self._cache_seconds = cache_seconds
        self._refetch_floor_seconds = refetch_floor_seconds
        self.clock = clock
        self._verifier: TokenVerifier | None = None
        self._revision = 0

    def configure(self, settings: SsoSettings | None) -> None:
        """Apply new settings: connections logged on under the old ones have to log on again.

        As in Neo4j, where clearing the cache of an authentication provider expires what its
        connections were authorized for.

        Args:
            settings: the settings; None turns single sign-on off.
        """
        self._revision += 1
        self._verifier = (
            None
            if settings is None
            else TokenVerifier(
                settings,
                self._fetch,
                cache_seconds=self._cache_seconds,
                refetch_floor_seconds=self._refetch_floor_seconds,
                clock=self.clock,
            )
        )

    async def authenticate(self, auth: Mapping[str, Value]) -> Identity | NativeUser:
        """Check a client's credentials.

        Args:
            auth: what the client sent with HELLO or LOGON.

        Returns:
            Who it is; a native user's password is still to be checked by the database.

        Raises:
            BoltError: the credentials are refused.
        """
        scheme = auth.get("scheme")
        if scheme == "basic":
            return NativeUser(auth)
        if scheme == "bearer" and self._verifier is not None:
            token = auth.get("credentials")
            if not isinstance(token, str):
                raise BoltError(
                    Code.UNAUTHORIZED, "Unsupported authentication token, missing key `credentials`"
                )
            revision = self._revision
            principal = await self._verifier.verify(token)
            return Identity(principal, self.clock() + self._cache_seconds, revision)
        # An unknown scheme may be a token in the wrong place; it is not repeated.
        named = scheme if isinstance(scheme, str) and scheme in _SCHEMES else "other"
        raise BoltError(
            Code.UNAUTHORIZED,
            f"Unsupported authentication token, scheme '{named}' is not supported.",
        )

    def require_current(self, identity: Identity) -> None:
        """Check that a token and the rights derived from it still hold.

        Args:
            identity: who logged on.

        Raises:
            BoltError: TokenExpired, or AuthorizationExpired where only the cached rights have
                expired or the settings have changed: drivers then open a new connection.
        """
        now = self.clock()
        if now >= identity.principal.token_expires:
            raise token_expired()
        if now >= identity.authorized_until or identity.revision != self._revision:
            raise BoltError(Code.AUTHORIZATION_EXPIRED, "Authorization info expired.")
