"""The endpoint's requests: routes each to the application of its service."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws.own_service import Destination, OwnService


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One address for all of AWS.

    Attributes:
        services: the services that aren't ministack's; the first that handles a request gets it.
        ministack: all other services.
    """

    services: Sequence[OwnService]
    ministack: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        await self._application(scope)(scope, receive, send)

    def _application(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http":
            return self.ministack
        destination = Destination.of(scope)
        found = (each.application for each in self.services if each.handles(destination))
        return next(found, self.ministack)
