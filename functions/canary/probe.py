"""Goes the whole way: takes a token, lists the tools, and has the database run a trivial query."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from functions.canary import mcp
from functions.canary.credentials import Credentials
from functions.canary.exchange import Answer, NoAnswerError, post
from functions.canary.failures import Hop, HopError, shown
from functions.canary.token_endpoint import Token, token_of, token_request


class Post(Protocol):
    """Sends a POST request, as `functions.canary.exchange.post` does."""

    def __call__(
        self, url: str, body: bytes, headers: Mapping[str, str], *, limit: float
    ) -> Answer:
        """Send a request and return the answer."""
        ...


@dataclass(frozen=True, kw_only=True)
class TimeLimits:
    """Time limits, in seconds.

    Attributes:
        token: for a token.
        step: for one request to the server. A trivial query takes milliseconds, and an instance
            that has to start takes some seconds.
        total: for all requests of one invocation.
    """

    token: float = 10.0
    step: float = 15.0
    total: float = 40.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one invocation's calls.

    Attributes:
        milliseconds: from the first request to the server until the read's answer; None unless all
            succeeded. The token isn't included, since callers keep theirs.
        new_token: whether a token was requested.
        hop: where it failed; None if it didn't.
        cause: why.
    """

    milliseconds: float | None
    new_token: bool
    hop: Hop | None = None
    cause: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the whole way works."""
        return self.hop is None

    def line(self) -> dict[str, Any]:
        """Return the outcome for the log."""
        line: dict[str, Any] = {"message": "canary", "success": self.succeeded}
        if self.milliseconds is not None:
            line["milliseconds"] = round(self.milliseconds, 1)
        if self.hop is not None:
            line |= {"hop": self.hop.value, "cause": self.cause}
        return line | {"newToken": self.new_token}


@dataclass(frozen=True, kw_only=True)
class _Session:
    credentials: Credentials
    token: Token


class Canary:
    """Calls the server with its own client, and keeps the token while it is valid."""

    def __init__(
        self,
        read_credentials: Callable[[], Credentials],
        *,
        post: Post = post,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        limits: TimeLimits | None = None,
    ) -> None:
        """Send nothing yet.

        Args:
            read_credentials: reads the current credentials.
            post: sends a request.
            now: returns the time, in seconds since the epoch.
            clock: returns seconds that only increase.
            limits: the time limits; by default those of production.
        """
        self._read_credentials = read_credentials
        self._post = post
        self._now = now
        self._clock = clock
        self._limits = limits or TimeLimits()
        self._session: _Session | None = None

    def run(self) -> Outcome:
        """Go the whole way once.

        As callers do, it takes another token if the kept one is rejected. A failure with kept
        credentials also counts only if they are still the current ones: the secret may have been
        rotated, or the server may have another address.

        Raises:
            CanaryError: the credentials can't be used.
        """
        deadline = self._clock() + self._limits.total
        kept = self._kept()
        if kept is not None:
            try:
                return Outcome(milliseconds=self._call(kept, deadline), new_token=False)
            except HopError as error:
                failure = error
            current = self._read_credentials()
            if current == kept.credentials and not failure.rejects_token:
                return _failed(failure, kept, new_token=False)
        else:
            current = self._read_credentials()
        return self._start(current, deadline)

    def _kept(self) -> _Session | None:
        session = self._session
        return session if session and self._now() < session.token.usable_until else None

    def _start(self, credentials: Credentials, deadline: float) -> Outcome:
        """Go the whole way with a new token."""
        self._session = None
        try:
            token = self._token(credentials, deadline)
        except HopError as error:
            cause = shown(error.cause, [credentials.client_secret])
            return Outcome(milliseconds=None, new_token=False, hop=error.hop, cause=cause)
        session = _Session(credentials=credentials, token=token)
        try:
            milliseconds = self._call(session, deadline)
        except HopError as error:
            # Unless it is rejected, the next invocation uses the same token: an outage of the
            # database doesn't cost a token each time.
            self._session = None if error.rejects_token else session
            return _failed(error, session, new_token=True)
        self._session = session
        return Outcome(milliseconds=milliseconds, new_token=True)

    def _token(self, credentials: Credentials, deadline: float) -> Token:
        request, requested = token_request(credentials), self._now()
        limit = self._limit(self._limits.token, deadline)
        try:
            answer = self._post(credentials.token_url, request.body, request.headers, limit=limit)
        except NoAnswerError as error:
            raise HopError(Hop.TOKEN, str(error)) from None
        return token_of(answer, requested=requested)

    def _call(self, session: _Session, deadline: float) -> float:
        """Call the server, and return how long it took, in milliseconds."""
        headers, started = mcp.headers(session.token), self._clock()
        for number, step in enumerate((mcp.INITIALIZE, mcp.LIST_TOOLS, mcp.READ), start=1):
            limit = self._limit(self._limits.step, deadline)
            try:
                answer = self._post(
                    session.credentials.mcp_url, step.body(number), headers, limit=limit
                )
            except NoAnswerError as error:
                raise mcp.without_answer(step, error) from None
            mcp.check(step, answer)
        return 1000 * (self._clock() - started)

    def _limit(self, limit: float, deadline: float) -> float:
        # A socket without any time left would wait forever.
        return max(min(limit, deadline - self._clock()), 0.001)


def _failed(failure: HopError, session: _Session, *, new_token: bool) -> Outcome:
    secrets = [session.token.value, session.credentials.client_secret]
    return Outcome(
        milliseconds=None,
        new_token=new_token,
        hop=failure.hop,
        cause=shown(failure.cause, secrets),
    )
