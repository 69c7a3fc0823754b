"""Drills on tokens: one that expires under its callers, and an endpoint that gives none for now."""

import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlsplit

import jwt

from automation.checks.context import Context
from automation.checks.lookups import find_app_client
from automation.checks.verdicts import expect, expect_equal
from automation.drills.callers import library, token_provider
from automation.drills.exercise import Exercise
from automation.drills.fault_proxy import Answer, Asked, FaultProxy, forward
from automation.drills.records import expect_all_answered, expect_failures
from automation.drills.registry import drill
from neo4j_mcp_client import TokenExpiredError

_EXPIRED: Final = "TokenExpiredError"
# How far the clocks of this machine, Cognito and the database may be apart.
_CLOCKS: Final = 3.0
# After a token's end, a connection that has accepted it may serve some calls more.
_LONGEST_REFUSAL: Final = 30.0
_RECOVERY: Final = 300.0
_RETRY_AFTER: Final = 2
_REFUSALS: Final = (
    Answer(status=429, headers={"Retry-After": str(_RETRY_AFTER)}),
    Answer(status=503),
)
_LATENCY: Final = 3.0


@drill(
    "token-expiry",
    touches="lets one client's new tokens live shorter (Cognito's AccessTokenValidity)",
)
def token_expiry(exercise: Exercise) -> None:
    """Who keeps a token past its end is told so and goes on; the library's callers never notice."""
    context = exercise.context
    _shorten_tokens(exercise)
    keeper = _Keeper(exercise)
    expires = keeper.expires
    exercise.mark(f"the token expires at {expires:.1f} s")
    credentials = context.credentials(exercise.caller)
    with (
        library(credentials, token_provider(credentials)) as ask,
        exercise.traffic(ask, "callers of the library") as spared,
        exercise.traffic(keeper.ask, "callers that keep their token") as keepers,
    ):
        exercise.probe.wait(expires - exercise.clock())
        with exercise.phase("the token has expired"):
            exercise.expect_refused(
                keepers, since=expires - _CLOCKS, within=_CLOCKS + _LONGEST_REFUSAL
            )
            exercise.expect_answered(keepers, exercise.clock(), within=_RECOVERY)
    expect_all_answered(spared.records, "tokens expired")
    expect_failures(keepers.records, {_EXPIRED})
    expect_none_refused_early(keeper.refusals)


def expect_none_refused_early(refusals: Sequence[tuple[float, float]]) -> None:
    """Fail the drill if a token was refused before its end.

    Args:
        refusals: when each refusal came, and when the token that was refused expires, in seconds.

    Raises:
        Failed: a token was, by more than clocks may differ.
    """
    early = [(at, expires) for at, expires in refusals if at < expires - _CLOCKS]
    expect(
        not early,
        "".join(
            f"a token was refused at {at:.1f} s, and expires at {expires:.1f} s"
            for at, expires in early[:1]
        ),
    )


class _Keeper:
    """Keeps its token until it is refused, as a caller may that knows nothing of lifetimes."""

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self._lock = threading.Lock()
        self.refusals: list[tuple[float, float]] = []
        self._held = self._new()

    @property
    def expires(self) -> float:
        """When the token that is held expires, in seconds since the drill began."""
        return self._held[1]

    def ask(self) -> None:
        held = self._held
        token, expires = held
        try:
            self._exercise.call(lambda: token)()
        except TokenExpiredError:
            with self._lock:
                self.refusals.append((self._exercise.clock(), expires))
                if self._held == held:
                    self._held = self._new()
            raise

    def _new(self) -> tuple[str, float]:
        exercise = self._exercise
        token = exercise.context.token(exercise.caller, fresh=True)
        claims = jwt.decode(token, options={"verify_signature": False})
        expect_equal(
            "the token's lifetime in seconds",
            claims["exp"] - claims["iat"],
            exercise.options.token_lifetime,
        )
        return token, exercise.clock() + claims["exp"] - time.time()


def _shorten_tokens(exercise: Exercise) -> None:
    context, probe = exercise.context, exercise.probe
    found = find_app_client(probe, exercise.caller)
    before = {
        name: found[name] for name in _updatable(context) if found.get(name) not in (None, "")
    }
    shorter = {
        "AccessTokenValidity": exercise.options.token_lifetime,
        "TokenValidityUnits": before.get("TokenValidityUnits", {}) | {"AccessToken": "seconds"},
    }
    client = context.client("cognito-idp")
    exercise.afterwards("the lifetime of tokens", lambda: client.update_user_pool_client(**before))
    probe.aws("cognito-idp", "update_user_pool_client", **(before | shorter))


def _updatable(context: Context) -> Sequence[str]:
    """Name what UpdateUserPoolClient takes: what isn't said again, it resets."""
    model = context.client("cognito-idp").meta.service_model
    members: dict[str, Any] = model.operation_model("UpdateUserPoolClient").input_shape.members
    return tuple(members)


@drill("token-endpoint-throttled", touches="nothing: the faults are made on this machine")
def token_endpoint_throttled(exercise: Exercise) -> None:
    """While the token endpoint throttles, callers with a token go on, and who needs one gets it."""
    credentials = exercise.context.credentials(exercise.caller)
    endpoint = _TokenEndpoint(exercise, credentials.token_url)
    with FaultProxy(endpoint.respond) as proxy:
        token_url = proxy.url + urlsplit(credentials.token_url).path
        holders, newcomers = (token_provider(credentials, token_url) for _ in range(2))
        with (
            library(credentials, holders) as ask_with,
            exercise.traffic(ask_with, "callers with a token") as holding,
            library(credentials, newcomers) as ask_without,
        ):
            since = exercise.mark(
                f"the token endpoint answers 429 with Retry-After {_RETRY_AFTER}, then 503,"
                f" then {_LATENCY:g} s late"
            )
            with exercise.phase("the token endpoint throttles"):
                endpoint.throttle()
                with exercise.traffic(ask_without, "callers without a token") as waiting:
                    exercise.mark("all have a token")
            exercise.expect_answered(holding, exercise.clock(), within=_RECOVERY)
    while_what = "the token endpoint throttled"
    expect_all_answered(waiting.records, while_what)
    expect_all_answered([each for each in holding.records if each.ended >= since], while_what)
    expect_patience(endpoint.asked)


def expect_patience(asked: Sequence[float]) -> None:
    """Fail the drill unless the throttled endpoint was spared.

    Args:
        asked: when tokens were asked for while the endpoint failed, in seconds.

    Raises:
        Failed: it was asked again too soon, or too often.
    """
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    expect(
        pauses and pauses[0] >= _RETRY_AFTER,
        f"the token endpoint asked for {_RETRY_AFTER} s, and was asked again after"
        f" {pauses[0] if pauses else 0.0:.1f} s",
    )
    # Each fault once, and the answer: several callers share one request.
    expect_equal("token requests while it throttled", len(asked), len(_REFUSALS) + 1)


class _TokenEndpoint:
    """The stack's own endpoint, which fails for a while once it is told to."""

    def __init__(self, exercise: Exercise, url: str) -> None:
        self.asked: list[float] = []
        self._exercise = exercise
        self._url = url
        self._lock = threading.Lock()
        self._throttled = False

    def throttle(self) -> None:
        self._throttled = True

    def respond(self, asked: Asked) -> Answer:
        with self._lock:
            if self._throttled:
                self.asked.append(self._exercise.clock())
            number = len(self.asked)
        if 1 <= number <= len(_REFUSALS):
            refusal = _REFUSALS[number - 1]
            self._exercise.mark(f"the token endpoint answers {refusal.status}")
            return refusal
        if number == len(_REFUSALS) + 1:
            self._exercise.mark("the token endpoint is slow")
            time.sleep(_LATENCY)
        return forward(self._exercise.http, self._url, asked)
