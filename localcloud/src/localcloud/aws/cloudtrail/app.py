"""CloudTrail's API over HTTP: LookupEvents, and nothing else."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.types import ASGIApp

from localcloud.aws.cloudtrail.lookups import look_up
from localcloud.aws.cloudtrail.models import History
from localcloud.aws.json_api import JsonApi
from localcloud.aws.protocol import CONTENT_TYPE_1_1, ApiError, ServiceProtocol

SERVICE: Final = "cloudtrail"
# Source: LookupEvents' API reference: "two per second, per account, per Region".
_LOOKUPS_PER_SECOND: Final = 2.0


class CloudTrail:
    """CloudTrail's operations."""

    def __init__(self, history: History, clock: Callable[[], float]) -> None:
        """Look up the events of a history.

        Args:
            history: the history.
            clock: returns the time, in seconds; limits the rate of lookups.
        """
        self._history = history
        self._clock = clock
        self._allowed, self._at = _LOOKUPS_PER_SECOND, clock()

    async def call(self, operation: str, parameters: dict[str, Any]) -> Mapping[str, Any]:
        """Execute an operation with a validated request."""
        if operation != "LookupEvents" or "EventCategory" in parameters:
            raise ApiError(
                "UnsupportedOperationException",
                "The stand-in's CloudTrail has LookupEvents of management events only.",
            )
        self._limit()
        events, token = look_up(self._history.newest_first(), parameters)
        return {"Events": [event.described() for event in events], "NextToken": token}

    def _limit(self) -> None:
        now = self._clock()
        refilled = self._allowed + (now - self._at) * _LOOKUPS_PER_SECOND
        self._allowed, self._at = min(_LOOKUPS_PER_SECOND, refilled), now
        if self._allowed < 1:
            raise ApiError("ThrottlingException", "Rate exceeded")
        self._allowed -= 1


def cloudtrail_app(cloudtrail: CloudTrail) -> ASGIApp:
    """Return an ASGI application for CloudTrail's API."""
    return JsonApi(
        protocol=ServiceProtocol(SERVICE),
        call=cloudtrail.call,
        content_type=CONTENT_TYPE_1_1,
        internal_error="InternalFailure",
    )
