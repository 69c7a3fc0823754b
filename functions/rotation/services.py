"""What the rotation function works with: AWS's APIs, the token endpoint and the time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from functions.access import GRANTED_WITHIN, PAUSE, call_when_granted
from functions.rotation.credentials import Credentials
from functions.rotation.token_endpoint import Refusal, token_refusal

_ACCESS_GRANTED_WITHIN: Final = timedelta(seconds=GRANTED_WITHIN)
# Cognito is eventually consistent: public reports are of up to 150 seconds.
_ACCEPTED_WITHIN: Final = timedelta(seconds=150)
_ANSWERED_WITHIN: Final = timedelta(seconds=20)

Operation = Callable[..., dict[str, Any]]
"""A method of a boto3 client."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Services:
    """What one invocation works with.

    Attributes:
        secrets_manager: boto3's client of Secrets Manager.
        cognito: boto3's client of Cognito.
        user_pool_id: the user pool.
        now: returns the time.
        sleep: waits, in seconds.
        refusal: requests a token; returns why none was issued, or None.
        access_granted_within: how long after the start a denied call is retried.
        accepted_within: how long the token endpoint may take to accept a new client secret.
        answered_within: how long it may not answer at all.
        pause: seconds between attempts.
    """

    secrets_manager: Any
    cognito: Any
    user_pool_id: str
    now: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep
    refusal: Callable[[Credentials], Refusal | None] = token_refusal
    access_granted_within: timedelta = _ACCESS_GRANTED_WITHIN
    accepted_within: timedelta = _ACCEPTED_WITHIN
    answered_within: timedelta = _ANSWERED_WITHIN
    pause: float = PAUSE
    started: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Note when the invocation started."""
        object.__setattr__(self, "started", self.now())

    def call(self, operation: Operation, **parameters: object) -> dict[str, Any]:
        """Call an operation, and retry while a new role's permissions don't apply yet.

        Raises:
            ClientError: AWS reported an error.
        """
        return call_when_granted(
            partial(operation, **parameters),
            is_late=lambda: self.now() - self.started >= self.access_granted_within,
            wait=lambda: self.sleep(self.pause),
        )

    def await_token(self, credentials: Credentials) -> Refusal | None:
        """Request tokens until one is issued.

        Returns:
            The last refusal, if none was issued within the limit.
        """
        started = self.now()
        while (refusal := self.refusal(credentials)) is not None:
            limit = self.accepted_within if refusal.answered else self.answered_within
            if self.now() - started >= limit:
                return refusal
            self.sleep(self.pause)
        return None
