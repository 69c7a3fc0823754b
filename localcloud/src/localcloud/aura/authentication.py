"""Authentication: the instance's own users by password, everybody else by bearer token."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from localcloud.aura.messages import BoltError, Code
from localcloud.aura.oidc import FetchJson, Principal, TokenVerifier, token_expired
from localcloud.aura.packstream import Value
from localcloud.aura.sso import SsoSettings

CACHE_SECONDS: Final = 600.0
"""Neo4j's default for dbms.security.auth_cache_ttl."""

_SCHEMES: Final = frozenset({"bearer", "none", "kerberos"})


@dataclass(frozen=True)
class Identity:
    """A user who logged on with a token.

    Attributes:
        principal: the user.
        authorized_until: when the cached roles expire, in seconds since the epoch.
        revision: the revision of the single sign-on settings that the roles come from.
    """

    principal: Principal
    authorized_until: float
    revision: int


@dataclass(frozen=True)
class NativeUser:
    """A user of the database itself, which checks the password.

    Attributes:
        auth: the credentials as the client sent them.
    """

    auth: Mapping[str, Value] = field(repr=False)


class Authenticator:
    """Checks credentials against the current single sign-on settings."""

    def __init__(
        self,
        fetch: FetchJson,
        *,
        cache_seconds: float = CACHE_SECONDS,
        min_refetch_seconds: float = 30.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Start without single sign-on.

        Args:
            fetch: gets the provider's documents.
            cache_seconds: how long a user's roles are cached.
            min_refetch_seconds: the least time between two fetches of the provider's keys.
            clock: returns the time in seconds since the epoch.
        """
        self._fetch = fetch
        self._cache_seconds = cache_seconds
        self._min_refetch_seconds = min_refetch_seconds
        self.clock = clock
        self._verifiers: tuple[TokenVerifier, ...] = ()
        self._revision = 0

    def configure(self, *providers: SsoSettings) -> None:
        """Apply new settings, so that open connections have to log on again.

        Neo4j does the same: clearing the cache of an authentication provider expires the
        authorization of its connections.

        Args:
            *providers: the settings of each provider; none turns single sign-on off.
        """
        self._revision += 1
        self._verifiers = tuple(
            TokenVerifier(
                settings,
                self._fetch,
                cache_seconds=self._cache_seconds,
                min_refetch_seconds=self._min_refetch_seconds,
                clock=self.clock,
            )
            for settings in providers
        )

    async def authenticate(self, auth: Mapping[str, Value]) -> Identity | NativeUser:
        """Check a client's credentials.

        Args:
            auth: the fields of HELLO or LOGON.

        Returns:
            The user; the database still has to check a native user's password.

        Raises:
            BoltError: the credentials are rejected.
        """
        scheme = auth.get("scheme")
        if scheme == "basic":
            return NativeUser(auth)
        if scheme == "bearer" and self._verifiers:
            token = auth.get("credentials")
            if not isinstance(token, str):
                raise BoltError(
                    Code.UNAUTHORIZED, "Unsupported authentication token, missing key `credentials`"
                )
            revision = self._revision
            principal = await self._verify(token)
            return Identity(principal, self.clock() + self._cache_seconds, revision)
        # An unknown scheme may be a token in the wrong field; the message doesn't repeat it.
        named = scheme if isinstance(scheme, str) and scheme in _SCHEMES else "other"
        raise BoltError(
            Code.UNAUTHORIZED,
            f"Unsupported authentication token, scheme '{named}' is not supported.",
        )

    async def _verify(self, token: str) -> Principal:
        """Try the providers in their order, as Neo4j does.

        Source: dbms.security.authentication_providers in Neo4j's operations manual.
        """
        errors = []
        for verifier in self._verifiers:
            try:
                return await verifier.verify(token)
            except BoltError as error:
                errors.append(error)
        # Only the token's own provider finds that it has expired.
        known = [each for each in errors if each.code != Code.UNAUTHORIZED]
        raise (known or errors)[0]

    def require_current(self, identity: Identity) -> None:
        """Check that a token and the roles from it are still valid.

        Raises:
            BoltError: TokenExpired, or AuthorizationExpired if only the cached roles have expired
                or the settings have changed: drivers then open a new connection.
        """
        now = self.clock()
        if now >= identity.principal.token_expires:
            raise token_expired()
        if now >= identity.authorized_until or identity.revision != self._revision:
            raise BoltError(Code.AUTHORIZATION_EXPIRED, "Authorization info expired.")
