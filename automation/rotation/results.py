"""What happened to the clients' secrets, as data."""

import enum
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


class Outcome(enum.StrEnum):
    """How a command on a client's secret ended."""

    ROTATED = "rotated"
    ABANDONED = "abandoned"
    """A stuck rotation couldn't be completed, and doesn't block the next one any more."""
    REVOKED = "revoked"
    SKIPPED = "skipped"
    """There was nothing to do."""
    REFUSED = "refused"
    """A rotation now would fail or cut callers off, so none was started."""
    STUCK = "stuck"
    """An earlier rotation isn't complete and blocks every other one."""
    FAILED = "failed"
    UNDECIDED = "undecided"
    """The rotation wasn't complete within the time limit, and continues."""


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What happened to one client's secret.

    Attributes:
        client: the client's name.
        client_id: the app client's id.
        reason: why it ended this way, with the command that fixes it; empty if all is well.
        previous: Cognito's id of the client secret that was current before, if known.
        current: Cognito's id of the client secret that is current now, if known.
        previous_ends: when the previous one can be deleted, if it is still valid.
        tokens_end: after a revocation, when the last token already issued ends.
    """

    client: str
    client_id: str
    outcome: Outcome
    reason: str = ""
    previous: str | None = None
    current: str | None = None
    previous_ends: datetime | None = None
    tokens_end: datetime | None = None

    def document(self) -> dict[str, Any]:
        """Return the result for JSON."""
        return {
            "client": self.client,
            "clientId": self.client_id,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "previous": self.previous,
            "current": self.current,
            "previousEnds": _iso(self.previous_ends),
            "tokensEnd": _iso(self.tokens_end),
        }


def format_time(moment: datetime) -> str:
    """Format a time for people, in UTC and to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
