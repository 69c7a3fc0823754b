import asyncio
import logging
import os
import signal
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from email.utils import formatdate

import pytest

from client.tests.conftest import Clock
from client.tests.site import Answer, Request, Script, Site, in_turn, issued, issuer, refused, serve
from neo4j_mcp_client import (
    AccessToken,
    BackOff,
    ClientCredentials,
    ClientDisabledError,
    FixedCredentials,
    InvalidClientError,
    InvalidScopeError,
    NetworkError,
    TokenEndpointUnavailableError,
    TokenProvider,
    TokenRequestError,
)

THREADS = 64


def test_a_token_is_asked_for_by_the_client_credentials_grant(
    endpoint: Site, tokens: TokenProvider
) -> None:
    token = tokens.token()
    (request,) = endpoint.requests
    assert request.form == {"grant_type": "client_credentials", "scope": "neo4j-mcp/reader"}
    assert request.authorization == "Basic Y2xpZW50LTE6czNjcmV0LW9mLXRoZS10ZXN0cw=="
    assert token.claims == {"jti": "1"}
    assert token.expires_at == pytest.approx(time.time() + 3600, abs=5)


def test_a_client_without_scopes_asks_for_none(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    TokenProvider(replace(credentials, scopes=())).token()
    assert endpoint.requests[0].form == {"grant_type": "client_credentials"}


def test_many_threads_take_one_token(endpoint: Site, tokens: TokenProvider) -> None:
    endpoint.answer = issuer(delay=0.2)
    together = threading.Barrier(THREADS)

    def take(_: int) -> str:
        together.wait(10)
        return tokens.token().value

    with ThreadPoolExecutor(THREADS) as pool:
        assert len(set(pool.map(take, range(THREADS)))) == 1
    assert len(endpoint.requests) == 1


async def test_many_tasks_and_threads_take_one_token(endpoint: Site, tokens: TokenProvider) -> None:
    endpoint.answer = issuer(delay=0.2)
    with ThreadPoolExecutor(8) as pool:
        loop = asyncio.get_running_loop()
        taken = await asyncio.gather(
            *(tokens.token_async() for _ in range(500)),
            *(loop.run_in_executor(pool, tokens.token) for _ in range(8)),
        )
    assert len({token.value for token in taken}) == 1
    assert len(endpoint.requests) == 1


async def test_a_cancelled_task_does_not_affect_others(
    endpoint: Site, tokens: TokenProvider
) -> None:
    endpoint.answer = issuer(delay=0.3)
    first = asyncio.create_task(tokens.token_async())
    second = asyncio.create_task(tokens.token_async())
    await asyncio.sleep(0.1)
    first.cancel()
    assert (await second).claims == {"jti": "1"}
    assert first.cancelled()
    assert len(endpoint.requests) == 1


def test_a_loop_without_an_executor_takes_a_token(endpoint: Site, tokens: TokenProvider) -> None:
    async def take() -> AccessToken:
        await asyncio.get_running_loop().shutdown_default_executor()
        return await tokens.token_async()

    assert asyncio.run(take()) == tokens.token()
    assert len(endpoint.requests) == 1


def test_followers_that_fill_the_executor_do_not_block_their_leader(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    tokens = TokenProvider(credentials, back_off=BackOff(attempts=1, limit=1), timeout=1)
    endpoint.answer = issuer(delay=0.2)

    led = threading.Event()

    async def take() -> set[str]:
        loop, running = asyncio.get_running_loop(), asyncio.Event()

        def follow() -> AccessToken:
            loop.call_soon_threadsafe(running.set)
            led.wait(10)
            return tokens.token()

        with ThreadPoolExecutor(1) as only:
            loop.set_default_executor(only)
            # It has the only thread before the leader could want one.
            follower = asyncio.create_task(asyncio.to_thread(follow))
            await running.wait()
            leader = asyncio.create_task(tokens.token_async())
            await asyncio.sleep(0)
            led.set()
            return {token.value for token in await asyncio.gather(leader, follower)}

    assert len(asyncio.run(take())) == 1
    assert len(endpoint.requests) == 1


def test_a_follower_gets_the_lifetime_that_it_asked_for(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    cache = SlowCache(AccessToken(value="old", expires_at=time.time() + 130, lifetime=3600))
    tokens = TokenProvider(credentials, cache=cache)
    with ThreadPoolExecutor(9) as pool:
        leader = pool.submit(tokens.token, 60)
        cache.read.wait(10)
        followers = [pool.submit(tokens.token, 900) for _ in range(8)]
        time.sleep(0.1)
        cache.go_on.set()
        assert leader.result(10).value == "old"
        given = {follower.result(10) for follower in followers}
    (token,) = given
    assert token.expires_at - time.time() > 900
    assert len(endpoint.requests) == 1


async def test_a_task_that_follows_gets_the_lifetime_that_it_asked_for(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    cache = SlowCache(AccessToken(value="old", expires_at=time.time() + 130, lifetime=3600))
    tokens = TokenProvider(credentials, cache=cache)
    leader = asyncio.create_task(tokens.token_async(60))
    await asyncio.to_thread(cache.read.wait, 10)
    followers = [asyncio.create_task(tokens.token_async(900)) for _ in range(8)]
    await asyncio.sleep(0)
    cache.go_on.set()
    assert (await leader).value == "old"
    (token,) = set(await asyncio.gather(*followers))
    assert token.expires_at - time.time() > 900
    assert len(endpoint.requests) == 1


class SlowCache:
    """A cache that holds a token, and up the first who reads it."""

    def __init__(self, token: AccessToken) -> None:
        self.token, self.read, self.go_on = token, threading.Event(), threading.Event()

    def get(self, key: str) -> AccessToken:  # noqa: ARG002 - there is one key
        self.read.set()
        assert self.go_on.wait(10)
        return self.token

    def put(self, key: str, token: AccessToken) -> None:  # noqa: ARG002
        self.token = token

    def lock(self, timeout: float) -> AbstractContextManager[object]:  # noqa: ARG002
        return nullcontext()


@pytest.mark.parametrize("wanted", [901, 5000])
def test_a_lifetime_beyond_the_endpoints_is_an_error_for_its_caller(
    endpoint: Site, tokens: TokenProvider, wanted: float
) -> None:
    endpoint.answer = issuer(expires_in=900)
    for _ in range(2):
        with pytest.raises(TokenRequestError, match=rf"900 s, but {wanted} s.*Validity"):
            tokens.token(wanted)
    # Each was asked for once, and others use what came.
    assert len(endpoint.requests) == 2
    assert tokens.token(600).claims == {"jti": "2"}
    assert len(endpoint.requests) == 2


def test_a_token_that_another_needs_longer_is_still_used(
    endpoint: Site, tokens: TokenProvider, clock: Clock
) -> None:
    first = tokens.token()
    clock.advance(3600 - 90)
    endpoint.answer = lambda _: Answer(status=503, delay=0.2)
    with ThreadPoolExecutor(2) as pool:
        long = pool.submit(tokens.token, 900)
        short = pool.submit(tokens.token, 60)
        assert short.result(10).value == first.value
        with pytest.raises(TokenEndpointUnavailableError):
            long.result(10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform doesn't fork")
def test_a_process_forked_during_a_request_asks_itself(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    tokens = TokenProvider(credentials, timeout=60)
    asked, answered = threading.Event(), threading.Event()

    def answer(_: Request) -> Answer:
        number = len(endpoint.requests)
        if number == 1:
            asked.set()
            assert answered.wait(30)
        return issued(number)

    endpoint.answer = answer
    with ThreadPoolExecutor(1) as pool:
        parent = pool.submit(tokens.token)
        assert asked.wait(10)
        child = os.fork()
        if child == 0:
            # Nothing but this, and not for ever: the child has none of the parent's threads.
            signal.alarm(30)
            os._exit(0 if tokens.token().claims == {"jti": "2"} else 1)
        # The parent's request isn't answered before the child has ended.
        _, status = os.waitpid(child, 0)
        answered.set()
        assert os.waitstatus_to_exitcode(status) == 0
        assert parent.result(10).claims == {"jti": "1"}


def test_all_that_wait_get_the_same_failure(endpoint: Site, tokens: TokenProvider) -> None:
    endpoint.answer = lambda _: Answer(status=400, body={"error": "invalid_client"}, delay=0.2)
    together = threading.Barrier(8)

    def take(_: int) -> str:
        together.wait(10)
        with pytest.raises(InvalidClientError) as raised:
            tokens.token()
        return str(raised.value)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(take, range(8)))) == 1
    assert len(endpoint.requests) == 1


def test_a_token_is_renewed_a_margin_before_its_expiry(
    endpoint: Site, credentials: ClientCredentials, clock: Clock
) -> None:
    tokens = TokenProvider(credentials, margin=100, clock=clock)
    first = tokens.token()
    clock.advance(3600 - 101)
    assert tokens.token().value == first.value
    clock.advance(2)
    assert tokens.token().value != first.value
    assert len(endpoint.requests) == 2


def test_a_token_is_renewed_before_a_call_that_would_outlive_it(
    endpoint: Site, credentials: ClientCredentials, clock: Clock
) -> None:
    tokens = TokenProvider(credentials, margin=0, clock=clock)
    first = tokens.token()
    clock.advance(3600 - 61)
    assert tokens.token(minimum_lifetime=60).value == first.value
    assert tokens.token(minimum_lifetime=62).value != first.value
    assert len(endpoint.requests) == 2


def test_a_short_lived_token_is_used_for_half_of_its_lifetime(
    endpoint: Site, tokens: TokenProvider, clock: Clock
) -> None:
    endpoint.answer = issuer(expires_in=20)
    first = tokens.token()
    clock.advance(9)
    assert tokens.token().value == first.value
    clock.advance(2)
    assert tokens.token().value != first.value


def test_a_token_endpoint_that_fails_early_leaves_a_good_token_in_use(
    endpoint: Site, tokens: TokenProvider, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    first = tokens.token()
    endpoint.answer = lambda _: Answer(status=503)
    clock.advance(3600 - 90)
    with caplog.at_level(logging.WARNING):
        assert {tokens.token().value for _ in range(5)} == {first.value}
    # One try, without repeating it, and no further one in each call.
    assert len(endpoint.requests) == 2
    assert "early renewal of a token failed" in caplog.text
    clock.advance(60)
    with pytest.raises(TokenEndpointUnavailableError):
        tokens.token()


def test_a_refused_token_is_replaced_once_by_many_threads(
    endpoint: Site, tokens: TokenProvider, clock: Clock
) -> None:
    first = tokens.token()
    clock.advance(60)
    together = threading.Barrier(THREADS)

    def renew(_: int) -> str:
        together.wait(10)
        assert tokens.invalidate(first)
        return tokens.token().value

    with ThreadPoolExecutor(THREADS) as pool:
        (second,) = set(pool.map(renew, range(THREADS)))
    assert second != first.value
    assert len(endpoint.requests) == 2


def test_a_late_thread_uses_the_token_that_another_requested(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    looked, requested = threading.Event(), threading.Event()

    def clock() -> float:
        # The late thread finds no token, and another requests one before its turn.
        if threading.current_thread().name.startswith("late") and not looked.is_set():
            looked.set()
            assert requested.wait(10)
        return time.time()

    tokens = TokenProvider(credentials, clock=clock)
    with ThreadPoolExecutor(1, thread_name_prefix="late") as pool:
        late = pool.submit(tokens.token)
        assert looked.wait(10)
        token = tokens.token()
        requested.set()
        assert late.result(10) == token
    assert len(endpoint.requests) == 1


def test_a_late_refusal_of_an_old_token_leaves_the_new_one(
    endpoint: Site, tokens: TokenProvider
) -> None:
    old = tokens.token()
    tokens.invalidate(old, expired=True)
    new = tokens.token()
    tokens.invalidate(old, expired=True)
    assert tokens.token() == new
    assert len(endpoint.requests) == 2


def test_a_token_rejected_at_once_is_not_requested_again(
    endpoint: Site, tokens: TokenProvider
) -> None:
    token = tokens.token()
    assert not tokens.invalidate(token)
    assert tokens.token().value == token.value
    assert len(endpoint.requests) == 1
    assert tokens.invalidate(token, expired=True)
    assert tokens.token().value != token.value


@pytest.mark.parametrize(
    "trouble",
    [Answer(status=429), Answer(status=500), Answer(status=503), Answer(cut=True)],
    ids=["429", "500", "503", "cut"],
)
def test_passing_trouble_is_waited_out(
    endpoint: Site, tokens: TokenProvider, trouble: Answer
) -> None:
    endpoint.answer = in_turn(trouble, trouble, issued())
    assert tokens.token().claims == {"jti": "1"}
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize(
    "retry_after",
    [lambda: "1", lambda: formatdate(time.time() + 2, usegmt=True)],
    ids=["seconds", "date"],
)
def test_retry_after_is_honoured(
    endpoint: Site, tokens: TokenProvider, retry_after: Callable[[], str]
) -> None:
    endpoint.answer = in_turn(Answer(status=429, headers={"Retry-After": retry_after()}), issued())
    started = time.monotonic()
    tokens.token()
    # A date has whole seconds: of two, between one and two are left.
    assert time.monotonic() - started >= 0.9
    assert len(endpoint.requests) == 2


def test_a_wait_beyond_the_limit_fails_at_once(endpoint: Site, tokens: TokenProvider) -> None:
    endpoint.answer = in_turn(Answer(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(TokenEndpointUnavailableError) as raised:
        tokens.token()
    assert len(endpoint.requests) == 1
    assert raised.value.status == 429
    assert raised.value.retry_after == 3600


def test_trouble_that_stays_ends_in_an_error(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    endpoint.answer = lambda _: Answer(status=500)
    tokens = TokenProvider(credentials, back_off=BackOff(attempts=3, first=0.01))
    with pytest.raises(TokenEndpointUnavailableError, match="HTTP 500"):
        tokens.token()
    assert len(endpoint.requests) == 3


def test_an_endpoint_that_hangs_ends_in_an_error(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    endpoint.answer = lambda _: Answer(delay=1)
    tokens = TokenProvider(credentials, back_off=BackOff(attempts=1), timeout=0.2)
    with pytest.raises(NetworkError, match=r"token endpoint: localhost.*timed out"):
        tokens.token()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("invalid_client", InvalidClientError),
        ("unauthorized_client", ClientDisabledError),
        ("invalid_scope", InvalidScopeError),
        ("invalid_grant", InvalidScopeError),
        ("unsupported_grant_type", TokenRequestError),
    ],
)
def test_a_rejected_request_names_its_fix_and_is_not_retried(
    endpoint: Site, tokens: TokenProvider, error: str, kind: type[TokenRequestError]
) -> None:
    endpoint.answer = lambda _: refused(error, "said the endpoint")
    with pytest.raises(TokenRequestError) as raised:
        tokens.token()
    assert type(raised.value) is kind
    assert str(raised.value).startswith(f"token endpoint: HTTP 400: {error} (said the endpoint). ")
    assert raised.value.remedy
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"<html>"),
        Answer(body=[]),
        Answer(body={}),
        Answer(body={"access_token": 5}),
        Answer(status=302, headers={"Location": "http://localhost:1/"}),
        Answer(status=404, body=b"nothing here"),
    ],
    ids=["html", "list", "empty", "number", "redirect", "404"],
)
def test_a_url_without_a_token_endpoint_is_reported(
    endpoint: Site, tokens: TokenProvider, answer: Answer
) -> None:
    endpoint.answer = lambda _: answer
    with pytest.raises(TokenRequestError, match="tokenUrl"):
        tokens.token()
    assert len(endpoint.requests) == 1


def test_without_expires_in_the_token_itself_says_how_long_it_lives(
    endpoint: Site, tokens: TokenProvider
) -> None:
    expiry = int(time.time()) + 500
    endpoint.answer = lambda _: issued(expires_in=None, exp=expiry)
    assert tokens.token().expires_at == expiry
    tokens.token()
    assert len(endpoint.requests) == 1


class Rotating:
    """A source with a secret that was rotated after it was read."""

    def __init__(self, before: ClientCredentials, after: ClientCredentials) -> None:
        self.credentials, self.after, self.refreshed = before, after, 0

    def current(self) -> ClientCredentials:
        return self.credentials

    def refresh(self) -> bool:
        self.refreshed += 1
        changed = self.credentials != self.after
        self.credentials = self.after
        return changed


def knows(secret: str) -> Script:
    """Make a token endpoint that takes one secret."""
    basic = b64encode(f"client-1:{secret}".encode()).decode()
    return lambda request: (
        issued() if request.authorization == f"Basic {basic}" else refused("invalid_client")
    )


def test_a_rotated_secret_is_read_again_once(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    endpoint.answer = knows("the-new-one")
    source = Rotating(credentials, replace(credentials, client_secret="the-new-one"))
    assert TokenProvider(source).token().claims == {"jti": "1"}
    assert source.refreshed == 1
    assert len(endpoint.requests) == 2


def test_a_rotated_secret_that_another_provider_has_read_is_used(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    source = Rotating(credentials, replace(credentials, client_secret="the-new-one"))

    def answer(request: Request) -> Answer:
        # The other provider reads the secret while this one's request is on its way.
        source.credentials = source.after
        return knows("the-new-one")(request)

    endpoint.answer = answer
    assert TokenProvider(source).token().claims == {"jti": "1"}
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize("error", ["invalid_scope", "invalid_grant"])
def test_scopes_that_a_deployment_has_changed_are_read_again_once(
    endpoint: Site, credentials: ClientCredentials, error: str
) -> None:
    endpoint.answer = lambda request: (
        issued() if request.form["scope"] == "mcp/new" else refused(error)
    )
    source = Rotating(
        replace(credentials, scopes=("mcp/old",)), replace(credentials, scopes=("mcp/new",))
    )
    assert TokenProvider(source).token().claims == {"jti": "1"}
    assert source.refreshed == 1
    assert len(endpoint.requests) == 2


def test_a_client_that_was_replaced_and_disabled_is_read_again_once(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    endpoint.answer = lambda _: refused("unauthorized_client")
    source = Rotating(credentials, replace(credentials, client_id="another"))
    with pytest.raises(ClientDisabledError, match=r"clients\.<name>\.enabled true"):
        TokenProvider(source).token()
    assert source.refreshed == 1
    assert len(endpoint.requests) == 2


def test_a_refusal_with_two_causes_names_both(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    endpoint.answer = lambda _: refused("invalid_grant")
    with pytest.raises(InvalidScopeError) as raised:
        TokenProvider(credentials).token()
    assert ClientDisabledError.remedy in raised.value.remedy
    assert InvalidScopeError.remedy in raised.value.remedy
    assert "`neo4j-mcp doctor` finds which" in str(raised.value)


def test_a_wrong_and_unchanged_secret_is_reported(
    endpoint: Site, credentials: ClientCredentials
) -> None:
    endpoint.answer = knows("another-one")
    source = Rotating(credentials, credentials)
    with pytest.raises(InvalidClientError):
        TokenProvider(source).token()
    assert len(endpoint.requests) == 1


def test_no_secret_is_shown(
    endpoint: Site,
    tokens: TokenProvider,
    credentials: ClientCredentials,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    token = tokens.token()
    endpoint.answer = in_turn(Answer(status=429), refused("invalid_client"))
    tokens.invalidate(token, expired=True)
    with pytest.raises(InvalidClientError) as refusal:
        tokens.token()
    endpoint.answer = lambda _: Answer(cut=True)
    with pytest.raises(NetworkError) as broken:
        tokens.token()
    shown = "".join(
        [
            caplog.text,
            *map(repr, (token, tokens, credentials, FixedCredentials(credentials))),
            *map(str, (refusal.value, broken.value)),
            *map(repr, (vars(refusal.value), vars(broken.value))),
        ]
    )
    assert credentials.client_secret not in shown
    assert token.value not in shown
    # Nor the HTTP library's exception, which holds the request with its headers.
    assert broken.value.__context__ is None


def test_an_endpoint_without_a_listener_is_reported(credentials: ClientCredentials) -> None:
    with serve(issuer()) as gone:
        url = gone.url
    tokens = TokenProvider(replace(credentials, token_url=url), back_off=BackOff(attempts=1))
    with pytest.raises(NetworkError, match=r"token endpoint: localhost.*refused"):
        tokens.token()
