"""What the stand-in's own services know about their surroundings."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ServiceContext:
    """Where and when a service runs.

    Attributes:
        region: its region.
        account_id: its account.
        clock: returns the time, in seconds since the epoch.
    """

    region: str
    account_id: str
    clock: Callable[[], float]

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def now(self) -> dt.datetime:
        """Return the time."""
        return dt.datetime.fromtimestamp(self.clock(), dt.UTC)
