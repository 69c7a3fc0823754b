"""Bearer tokens: verified and mapped to roles like in Neo4j's OIDC support.

Source: Neo4j's operations manual, "Single sign-on" and the settings dbms.security.oidc.*;
RFC 7519 (JWT), RFC 7517 (JWK), OpenID Connect Discovery 1.0.
"""

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import jwt

from localcloud.aura.messages import BoltError, Code
from localcloud.aura.roles import Role
from localcloud.aura.sso import SsoSettings, is_fetchable

_ALGORITHMS: Final = ("RS256", "RS384", "RS512")
_FETCH_SECONDS: Final = 5.0
_MAX_DOCUMENT: Final = 1024 * 1024
_KEYS_SECONDS: Final = 3600.0
_MAX_CACHED: Final = 10_000

FetchJson = Callable[[str], Awaitable[Any]]
"""Gets a JSON document from a URL; raises BoltError if it can't."""


@dataclass(frozen=True)
class Principal:
    """The user of a token.

    Attributes:
        username: the username claim.
        roles: the roles that the token's groups map to; may be empty.
        token_expires: when the token expires, in seconds since the epoch.
    """

    username: str
    roles: frozenset[Role]
    token_expires: float

    @property
    def role(self) -> Role | None:
        """The role that includes the others; None if no group is mapped."""
        return max(self.roles, default=None)

    @property
    def role_names(self) -> list[str]:
        """All roles as Neo4j lists them, including PUBLIC, which every user has."""
        return ["PUBLIC", *(role.role_name for role in sorted(self.roles))]

    def __str__(self) -> str:
        """Format the user as in Neo4j's messages."""
        return f"user '{self.username}' with roles [{', '.join(self.role_names)}]"


@dataclass(frozen=True)
class _Provider:
    issuer: str
    jwks_uri: str


@dataclass
class _Keys:
    fetched_at: float
    by_id: Mapping[str | None, jwt.PyJWK] = field(repr=False)


class TokenVerifier:
    """Verifies the tokens of one provider, and caches the results."""

    def __init__(
        self,
        settings: SsoSettings,
        fetch: FetchJson,
        *,
        cache_seconds: float,
        min_refetch_seconds: float = 30.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create a verifier, without fetching anything yet.

        Args:
            settings: the provider and the requirements on its tokens.
            fetch: gets JSON documents.
            cache_seconds: how long a verified token is cached.
            min_refetch_seconds: the least time between two fetches of the keys.
            clock: returns the time in seconds since the epoch.
        """
        self._settings = settings
        self._roles_by_group = settings.roles_by_group
        self._fetch = fetch
        self._cache_seconds = cache_seconds
        self._min_refetch_seconds = min_refetch_seconds
        self._clock = clock
        self._provider: _Provider | None = None
        self._keys: _Keys | None = None
        self._fetching = asyncio.Lock()
        self._cache: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """Verify an encoded token and return its user.

        Raises:
            BoltError: the token is rejected, or the provider can't be reached; the message contains
                no part of the token.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        now = self._clock()
        cached = self._cache.get(digest)
        if cached is not None and now < min(cached[0], cached[1].token_expires):
            return cached[1]
        self._cache.pop(digest, None)
        principal = await self._verify(token)
        self._cache[digest] = (now + self._cache_seconds, principal)
        if len(self._cache) > _MAX_CACHED:
            self._cache.popitem(last=False)
        return principal

    async def _verify(self, token: str) -> Principal:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise _unauthorized() from None
        if header.get("alg") not in _ALGORITHMS:
            raise _unauthorized()
        provider = await self._discover()
        key = await self._key(provider, header.get("kid"))
        if key is None or key.key_type != "RSA":
            raise _unauthorized()
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[header["alg"]],
                audience=self._settings.audience,
                issuer=provider.issuer,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise token_expired() from None
        except (jwt.InvalidTokenError, TypeError, ValueError):
            raise _unauthorized() from None
        return self._principal(claims)

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        username = claims.get(self._settings.username_claim)
        if not isinstance(username, str) or not username:
            raise _unauthorized()
        groups = claims.get(self._settings.groups_claim)
        names = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        roles = (self._roles_by_group.get(name) for name in names if isinstance(name, str))
        return Principal(
            username=username,
            roles=frozenset(role for mapped in roles if mapped for role in mapped),
            token_expires=float(claims["exp"]),
        )

    async def _discover(self) -> _Provider:
        async with self._fetching:
            if self._provider is None:
                document = await self._fetch(self._settings.discovery_uri)
                issuer = document.get("issuer") if isinstance(document, dict) else None
                jwks_uri = document.get("jwks_uri") if isinstance(document, dict) else None
                if not isinstance(issuer, str) or not isinstance(jwks_uri, str):
                    raise _provider_failed("its discovery document has no issuer or no jwks_uri")
                if not is_fetchable(jwks_uri):
                    raise _provider_failed("its jwks_uri is not an https URL")
                self._provider = _Provider(issuer, jwks_uri)
            return self._provider

    async def _key(self, provider: _Provider, key_id: object) -> jwt.PyJWK | None:
        async with self._fetching:
            now = self._clock()
            age = None if self._keys is None else now - self._keys.fetched_at
            wanted = key_id if isinstance(key_id, str) else None
            known = self._keys is not None and wanted in self._keys.by_id
            if (
                self._keys is None
                or age is None
                or age > _KEYS_SECONDS
                or (not known and age >= self._min_refetch_seconds)
            ):
                document = await self._fetch(provider.jwks_uri)
                self._keys = _Keys(now, _usable_keys(document))
            return self._keys.by_id.get(wanted)


def _usable_keys(document: object) -> dict[str | None, jwt.PyJWK]:
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise _provider_failed("its key set has no keys")
    keys: dict[str | None, jwt.PyJWK] = {}
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        if entry.get("kty") != "RSA" or entry.get("alg", _ALGORITHMS[0]) not in _ALGORITHMS:
            continue
        try:
            key = jwt.PyJWK.from_dict(entry, algorithm=entry.get("alg", _ALGORITHMS[0]))
        except jwt.PyJWTError:
            continue
        keys[key.key_id] = key
    if len(keys) == 1:
        # A token without a key id is signed with the only key.
        keys.setdefault(None, next(iter(keys.values())))
    return keys


class JsonFetcher:
    """Gets JSON documents over HTTP, with limits on time and size and without redirects."""

    def __init__(self) -> None:
        """Create a fetcher, which opens connections on first use."""
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, url: str) -> Any:  # noqa: ANN401 - JSON is anything
        """Get and parse a document.

        Raises:
            BoltError: AuthProviderTimeout after five seconds, AuthProviderFailed otherwise.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_FETCH_SECONDS)
            )
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status != 200:  # noqa: PLR2004 - HTTP's OK
                    raise _provider_failed(f"it returned status {response.status}")
                body = bytearray()
                async for piece in response.content.iter_any():
                    body += piece
                    if len(body) > _MAX_DOCUMENT:
                        raise _provider_failed("its document is larger than 1 MiB")
                return json.loads(body)
        except TimeoutError:
            raise BoltError(
                Code.PROVIDER_TIMEOUT, "The auth provider didn't respond in time."
            ) from None
        except aiohttp.ClientError as error:
            raise _provider_failed(type(error).__name__) from None
        except ValueError:
            raise _provider_failed("its document is not JSON") from None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def token_expired() -> BoltError:
    """Return Neo4j's failure for an expired token."""
    return BoltError(Code.TOKEN_EXPIRED, "The provided token has expired.")


def _unauthorized() -> BoltError:
    return BoltError(Code.UNAUTHORIZED, "The client is unauthorized due to authentication failure.")


def _provider_failed(why: str) -> BoltError:
    return BoltError(Code.PROVIDER_FAILED, f"The auth provider can't be used: {why}.")
