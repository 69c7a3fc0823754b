import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from aura.instance import sso_settings
from aura.issuer import ISSUER, Issuer, SigningKey, claims
from localcloud.aura.authentication import Authenticator, Identity, NativeUser
from localcloud.aura.messages import BoltError, Code
from localcloud.aura.oidc import JsonFetcher, Principal, TokenVerifier
from localcloud.aura.roles import Role
from localcloud.aura.sso import SsoSettings


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class Provider:
    """The issuer's documents, without HTTP."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.fetched: list[str] = []

    async def __call__(self, url: str) -> Any:  # noqa: ANN401 - JSON is anything
        self.fetched.append(url)
        return self.issuer.document(url.removeprefix(self.issuer.url))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(issuer: Issuer) -> Provider:
    return Provider(issuer)


def _settings(issuer: Issuer, **changes: Any) -> SsoSettings:  # noqa: ANN401 - anything
    return SsoSettings.parse(json.dumps(sso_settings(issuer, **changes)))


@pytest.fixture
def verifier(issuer: Issuer, provider: Provider, clock: Clock) -> TokenVerifier:
    return TokenVerifier(_settings(issuer), provider, cache_seconds=600, clock=clock)


async def test_a_valid_token_returns_its_user_and_roles(
    verifier: TokenVerifier, issuer: Issuer
) -> None:
    principal = await verifier.verify(issuer.token("reader", "writer", "unknown"))
    assert principal.username == "client-1"
    assert principal.roles == {Role.READER, Role.PUBLISHER}
    assert principal.role is Role.PUBLISHER
    assert str(principal) == "user 'client-1' with roles [PUBLIC, reader, publisher]"


@pytest.mark.parametrize(
    ("groups", "roles"),
    [
        ("reader", {Role.READER}),
        ("reader writer", set()),
        (["writer"], {Role.PUBLISHER}),
        ([], set()),
        ([1, None, {"reader": 1}], set()),
        (7, set()),
        (None, set()),
    ],
    ids=["one name", "two names in one string", "list", "none", "no names", "number", "absent"],
)
async def test_groups_are_read_like_in_neo4j(
    verifier: TokenVerifier, issuer: Issuer, groups: object, roles: set[Role]
) -> None:
    principal = await verifier.verify(issuer.token(groups=groups))
    assert principal.roles == roles


@pytest.mark.parametrize("audience", ["client-2", ["other", "client-1"]])
async def test_every_configured_audience_is_accepted(
    verifier: TokenVerifier, issuer: Issuer, audience: object
) -> None:
    assert (await verifier.verify(issuer.token(aud=audience))).roles == {Role.READER}


def _hmac_with_the_public_key(issuer: Issuer) -> str:
    public = issuer.key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "kid": issuer.key.key_id}, claims())
    ]
    signature = hmac.new(public, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def _signed(issuer: Issuer, key: SigningKey, **header: Any) -> str:  # noqa: ANN401 - anything
    return jwt.encode(claims(), key.private, "RS256", headers={"kid": issuer.key.key_id} | header)


def _altered(issuer: Issuer) -> str:
    head, _, tail = issuer.token("reader").split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(groups=["admin"])).encode()).rstrip(b"=")
    return f"{head}.{body.decode()}.{tail}"


BAD_TOKENS: dict[str, Callable[[Issuer], str]] = {
    "empty": lambda _: "",
    "not a token": lambda _: "secret-nonsense",
    "truncated": lambda issuer: issuer.token("reader")[:-10],
    "two parts": lambda issuer: issuer.token("reader").rpartition(".")[0],
    "altered": _altered,
    "wrong key": lambda issuer: _signed(issuer, SigningKey("x")),
    "unknown kid": lambda issuer: _signed(issuer, issuer.key, kid="nobody"),
    "empty kid": lambda issuer: _signed(issuer, issuer.key, kid=""),
    "alg none": lambda _: jwt.encode(claims(), "", "none"),
    "hmac with the public key": _hmac_with_the_public_key,
    "other issuer": lambda issuer: issuer.token("reader", iss=f"{ISSUER}/other"),
    "no issuer": lambda issuer: issuer.token("reader", iss=None),
    "other audience": lambda issuer: issuer.token("reader", aud="somebody"),
    "audience list without ours": lambda issuer: issuer.token("reader", aud=["a", "b"]),
    "no audience": lambda issuer: issuer.token("reader", aud=None),
    "not yet valid": lambda issuer: issuer.token("reader", nbf=int(time.time()) + 60),
    "issued in the future": lambda issuer: issuer.token("reader", iat=int(time.time()) + 60),
    "no expiry": lambda issuer: issuer.token("reader", exp=None),
    "expiry no number": lambda issuer: issuer.token("reader", exp="tomorrow"),
    "no username": lambda issuer: issuer.token("reader", sub=None),
    "username empty": lambda issuer: issuer.token("reader", sub=""),
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_invalid_tokens_are_rejected_without_quoting_them(
    verifier: TokenVerifier, issuer: Issuer, kind: str
) -> None:
    token = BAD_TOKENS[kind](issuer)
    with pytest.raises(BoltError) as caught:
        await verifier.verify(token)
    assert caught.value.code == Code.UNAUTHORIZED
    assert not token or token not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_an_expired_token_is_reported_as_expired(
    verifier: TokenVerifier, issuer: Issuer
) -> None:
    with pytest.raises(BoltError) as caught:
        await verifier.verify(issuer.token("reader", exp=int(time.time()) - 1))
    assert caught.value.code == Code.TOKEN_EXPIRED


async def test_an_expired_token_is_not_served_from_the_cache(
    verifier: TokenVerifier, issuer: Issuer, clock: Clock
) -> None:
    expires = int(time.time()) + 1
    token = issuer.token("reader", exp=expires)
    await verifier.verify(token)
    clock.now = expires
    await asyncio.sleep(expires - time.time())
    with pytest.raises(BoltError) as caught:
        await verifier.verify(token)
    assert caught.value.code == Code.TOKEN_EXPIRED


async def test_documents_are_fetched_once(
    verifier: TokenVerifier, issuer: Issuer, provider: Provider
) -> None:
    for group in ("reader", "writer", "reader"):
        await verifier.verify(issuer.token(group))
    assert provider.fetched == [issuer.discovery_uri, f"{issuer.url}/jwks"]


async def test_keys_are_fetched_again_for_a_new_key_but_not_too_often(
    verifier: TokenVerifier, issuer: Issuer, provider: Provider, clock: Clock
) -> None:
    await verifier.verify(issuer.token("reader"))
    new = SigningKey("key-2")
    issuer.keys.append(new)
    try:
        token = _signed(issuer, new, kid="key-2")
        for _ in range(3):
            with pytest.raises(BoltError):
                await verifier.verify(token)
        assert provider.fetched.count(f"{issuer.url}/jwks") == 1
        clock.now += 31
        assert (await verifier.verify(token)).roles == {Role.READER}
        assert provider.fetched.count(f"{issuer.url}/jwks") == 2
    finally:
        issuer.keys.remove(new)


@pytest.mark.parametrize(
    "document",
    [[], {}, {"issuer": ISSUER}, {"issuer": ISSUER, "jwks_uri": "http://elsewhere.example/jwks"}],
)
async def test_an_invalid_discovery_document_is_a_failure_of_the_provider(
    issuer: Issuer, document: object
) -> None:
    async def fetch(_: str) -> object:
        return document

    with pytest.raises(BoltError) as caught:
        await TokenVerifier(_settings(issuer), fetch, cache_seconds=1).verify(issuer.token())
    assert caught.value.code == Code.PROVIDER_FAILED


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:1/x", "http://localhost:1/.well-known/openid-configuration"]
)
async def test_an_unreachable_provider_is_reported(issuer: Issuer, uri: str) -> None:
    fetch = JsonFetcher()
    try:
        with pytest.raises(BoltError) as caught:
            await TokenVerifier(_settings(issuer, discoveryUri=uri), fetch, cache_seconds=1).verify(
                issuer.token()
            )
    finally:
        await fetch.close()
    assert caught.value.code == Code.PROVIDER_FAILED


async def test_documents_are_fetched_over_http(issuer: Issuer) -> None:
    fetch = JsonFetcher()
    try:
        verifier = TokenVerifier(_settings(issuer), fetch, cache_seconds=1)
        assert (await verifier.verify(issuer.token("writer"))).role is Role.PUBLISHER
    finally:
        await fetch.close()


@pytest.mark.parametrize("scheme", ["none", "kerberos", "bearer", "eyJhbGciOi", None, 7])
async def test_without_single_sign_on_only_passwords_are_accepted(
    provider: Provider, scheme: str | int | None
) -> None:
    authenticator = Authenticator(provider)
    with pytest.raises(BoltError) as caught:
        await authenticator.authenticate({"scheme": scheme, "credentials": "x"})
    assert caught.value.code == Code.UNAUTHORIZED
    assert "eyJhbGciOi" not in caught.value.message


async def test_passwords_are_checked_by_the_database(provider: Provider) -> None:
    auth = {"scheme": "basic", "principal": "neo4j", "credentials": "hush"}
    who = await Authenticator(provider).authenticate(auth)
    assert who == NativeUser(auth)
    assert "hush" not in repr(who)


async def test_new_settings_clear_the_cache(
    provider: Provider, issuer: Issuer, clock: Clock
) -> None:
    authenticator = Authenticator(provider, clock=clock)
    authenticator.configure(_settings(issuer))
    auth = {"scheme": "bearer", "credentials": issuer.token("reader")}
    who = await authenticator.authenticate(auth)
    assert isinstance(who, Identity)
    assert who.principal.roles == {Role.READER}
    authenticator.configure(_settings(issuer, groupToRoleMapping='"reader"=admin'))
    who = await authenticator.authenticate(auth)
    assert isinstance(who, Identity)
    assert who.principal.roles == {Role.ADMIN}


async def test_a_token_of_any_provider_is_accepted(provider: Provider, issuer: Issuer) -> None:
    authenticator = Authenticator(provider)
    other = _settings(issuer, audience=["someone-else"])
    auth = {"scheme": "bearer", "credentials": issuer.token("reader")}
    authenticator.configure(other)
    with pytest.raises(BoltError):
        await authenticator.authenticate(auth)
    for providers in ((other, _settings(issuer)), (_settings(issuer), other)):
        authenticator.configure(*providers)
        assert isinstance(await authenticator.authenticate(auth), Identity)


async def test_an_expired_token_is_reported_as_such_by_any_provider(
    provider: Provider, issuer: Issuer
) -> None:
    authenticator = Authenticator(provider)
    authenticator.configure(_settings(issuer, audience=["someone-else"]), _settings(issuer))
    token = issuer.token("reader", exp=int(time.time()) - 1)
    auth = {"scheme": "bearer", "credentials": token}
    with pytest.raises(BoltError) as caught:
        await authenticator.authenticate(auth)
    assert caught.value.code == Code.TOKEN_EXPIRED


@pytest.mark.parametrize(
    ("now", "code"),
    [(99.0, None), (100.0, Code.AUTHORIZATION_EXPIRED), (200.0, Code.TOKEN_EXPIRED)],
)
def test_authorization_expires_with_the_cache_and_with_the_token(
    provider: Provider, now: float, code: str | None
) -> None:
    authenticator = Authenticator(provider, clock=lambda: now)
    identity = Identity(Principal("me", frozenset({Role.READER}), 200.0), 100.0, revision=0)
    if code is None:
        authenticator.require_current(identity)
        return
    with pytest.raises(BoltError) as caught:
        authenticator.require_current(identity)
    assert caught.value.code == code
