"""Drills on tokens: they expire while callers use them, and their endpoint throttles."""

import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlsplit

from automation.checks.context import Context, read_claims
from automation.checks.lookups import find_app_client
from automation.checks.verdicts import expect, expect_equal
from automation.drills.callers import library_call, token_provider
from automation.drills.exercise import Exercise
from automation.drills.records import expect_failures, expect_no_failure
from automation.drills.registry import drill
from automation.proxy import Proxy, Request, Response, forward
from neo4j_mcp_client import TokenExpiredError

_EXPIRED: Final = "TokenExpiredError"
# How much the clocks of this machine, Cognito and the database may differ.
_CLOCK_SKEW: Final = 3.0
_RETRY_AFTER: Final = 2
_FAULTS: Final = (
    Response(status=429, headers={"Retry-After": str(_RETRY_AFTER)}),
    Response(status=503),
)
_DELAY_SECONDS: Final = 3.0


@drill(
    "token-expiry",
    touches="shortens the lifetime of one client's new tokens (Cognito's AccessTokenValidity)",
)
def token_expiry(exercise: Exercise) -> None:
    """An expired token is refused by name, and the client library's callers never notice."""
    context = exercise.context
    shorten_token_lifetime(exercise, exercise.caller)
    holder = _TokenHolder(exercise)
    expires = holder.expires
    exercise.mark(f"the token expires at {expires:.1f} s")
    credentials = context.credentials(exercise.caller)
    with (
        library_call(credentials, token_provider(credentials)) as call,
        exercise.traffic(call, "callers of the library") as library_traffic,
        exercise.traffic(holder.call, "callers that keep their token") as holder_traffic,
    ):
        exercise.probe.wait(expires - exercise.clock())
        with exercise.phase("the token has expired"):
            exercise.expect_failure(
                holder_traffic,
                since=expires - _CLOCK_SKEW,
                within=_CLOCK_SKEW + exercise.options.limits.late_refusal,
            )
            exercise.expect_success(
                holder_traffic, exercise.clock(), within=exercise.options.limits.recovery
            )
    expect_no_failure(library_traffic.records, "tokens expired")
    expect_failures(holder_traffic.records, {_EXPIRED})
    expect_none_refused_early(holder.refusals)


def expect_none_refused_early(refusals: Sequence[tuple[float, float]]) -> None:
    """Fail the drill if a token was refused before it expired.

    Args:
        refusals: when each was, and when its token expires, in seconds since the drill began.

    Raises:
        Failed: a token was, by more than clocks may differ.
    """
    early = [(at, expires) for at, expires in refusals if at < expires - _CLOCK_SKEW]
    expect(
        not early,
        "".join(
            f"a token was refused at {at:.1f} s, but expires at {expires:.1f} s"
            for at, expires in early[:1]
        ),
    )


class _TokenHolder:
    """A caller that uses its token until it is refused, and then gets a new one."""

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self._lock = threading.Lock()
        self.refusals: list[tuple[float, float]] = []
        self._held = self._new_token()

    @property
    def expires(self) -> float:
        """When the current token expires, in seconds since the drill began."""
        return self._held[1]

    def call(self) -> None:
        held = self._held
        token, expires = held
        try:
            self._exercise.call(lambda: token)()
        except TokenExpiredError:
            with self._lock:
                self.refusals.append((self._exercise.clock(), expires))
                if self._held == held:
                    self._held = self._new_token()
            raise

    def _new_token(self) -> tuple[str, float]:
        exercise = self._exercise
        token = exercise.context.token(exercise.caller, fresh=True)
        claims = read_claims(token)
        expect_equal(
            "the token's lifetime in seconds",
            claims["exp"] - claims["iat"],
            exercise.options.token_lifetime,
        )
        return token, exercise.clock() + claims["exp"] - time.time()


def shorten_token_lifetime(exercise: Exercise, name: str) -> None:
    """Shorten the lifetime of a client's new tokens until the drill ends."""
    context, probe = exercise.context, exercise.probe
    found = find_app_client(probe, name)
    before = {
        name: found[name] for name in _updatable(context) if found.get(name) not in (None, "")
    }
    shorter = {
        "AccessTokenValidity": exercise.options.token_lifetime,
        "TokenValidityUnits": before.get("TokenValidityUnits", {}) | {"AccessToken": "seconds"},
    }
    client = context.client("cognito-idp")
    exercise.restore_at_end("the token lifetime", lambda: client.update_user_pool_client(**before))
    probe.aws("cognito-idp", "update_user_pool_client", **(before | shorter))


def _updatable(context: Context) -> Sequence[str]:
    """List the parameters of UpdateUserPoolClient, which resets those that are left out."""
    model = context.client("cognito-idp").meta.service_model
    members: dict[str, Any] = model.operation_model("UpdateUserPoolClient").input_shape.members
    return tuple(members)


@drill("token-endpoint-throttled", touches="nothing: a proxy on this machine makes the faults")
def token_endpoint_throttled(exercise: Exercise) -> None:
    """While the token endpoint throttles, calls with a token succeed, and retries get a new one."""
    credentials = exercise.context.credentials(exercise.caller)
    endpoint = _TokenEndpoint(exercise, credentials.token_url)
    with Proxy(endpoint.respond) as proxy:
        token_url = proxy.url + urlsplit(credentials.token_url).path
        with_token = token_provider(credentials, token_url)
        without_token = token_provider(credentials, token_url)
        with (
            library_call(credentials, with_token) as call_with_token,
            exercise.traffic(call_with_token, "callers with a token") as holding,
            library_call(credentials, without_token) as call_without_token,
        ):
            since = exercise.mark(
                f"the token endpoint answers 429 with Retry-After {_RETRY_AFTER}, then 503,"
                f" then {_DELAY_SECONDS:g} s late"
            )
            with exercise.phase("the token endpoint throttles"):
                endpoint.throttle()
                with exercise.traffic(call_without_token, "callers without a token") as waiting:
                    exercise.mark("all have a token")
            exercise.expect_success(
                holding, exercise.clock(), within=exercise.options.limits.recovery
            )
    while_what = "the token endpoint throttled"
    expect_no_failure(waiting.records, while_what)
    expect_no_failure([each for each in holding.records if each.ended >= since], while_what)
    expect_backoff(endpoint.requests)


def expect_backoff(requests: Sequence[float]) -> None:
    """Fail the drill unless callers backed off from the throttled endpoint.

    Args:
        requests: when each token request arrived, in seconds.

    Raises:
        Failed: a request was retried too soon, or too often.
    """
    pauses = [later - earlier for earlier, later in pairwise(requests)]
    expect(
        pauses and pauses[0] >= _RETRY_AFTER,
        f"the token endpoint answered Retry-After: {_RETRY_AFTER}, but the request was repeated"
        f" after {pauses[0] if pauses else 0.0:.1f} s",
    )
    # One for each fault and one for the token: callers share requests.
    expect_equal("the number of token requests while it throttled", len(requests), len(_FAULTS) + 1)


class _TokenEndpoint:
    """The stack's own token endpoint, with faults after `throttle()`."""

    def __init__(self, exercise: Exercise, url: str) -> None:
        self.requests: list[float] = []
        self._exercise = exercise
        self._url = url
        self._lock = threading.Lock()
        self._throttled = False

    def throttle(self) -> None:
        self._throttled = True

    def respond(self, request: Request) -> Response:
        with self._lock:
            if self._throttled:
                self.requests.append(self._exercise.clock())
            number = len(self.requests)
        if 1 <= number <= len(_FAULTS):
            fault = _FAULTS[number - 1]
            self._exercise.mark(f"the token endpoint answers {fault.status}")
            return fault
        if number == len(_FAULTS) + 1:
            self._exercise.mark("the token endpoint is slow")
            time.sleep(_DELAY_SECONDS)
        return forward(self._exercise.http, self._url, request)
