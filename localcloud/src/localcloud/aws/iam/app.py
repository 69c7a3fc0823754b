"""IAM's API in front of ministack's, whose simulator ignores conditions and missing roles."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.iam import simulation
from localcloud.aws.iam.roles import Roles
from localcloud.aws.protocol import ApiError
from localcloud.aws.query_api import QueryApi
from localcloud.aws.query_protocol import QueryProtocol

SERVICE: Final = "iam"
"""Its name in signatures."""


class IamApp:
    """Serves IAM's API, with ministack as the store."""

    def __init__(self, ministack: ASGIApp, roles: Roles) -> None:
        """Pass requests on to ministack, except simulations.

        Args:
            ministack: the store.
            roles: the account's roles.
        """
        self._ministack = ministack
        self._roles = roles
        self._simulator = QueryApi(protocol=QueryProtocol(SERVICE), call=self._simulate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        body = await Request(scope, receive).body()
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        is_simulation = form.get("Action", "").startswith("Simulate")
        application = self._simulator if is_simulation else self._ministack
        await application(scope, asgi.replay(body, receive), send)

    async def _simulate(self, operation: str, parameters: dict[str, Any]) -> Mapping[str, Any]:
        simulation.require_supported(operation, parameters)
        role = parameters["PolicySourceArn"]
        documents = self._roles.documents(role)
        if documents is None:
            name = role.rpartition("/")[2]
            raise ApiError(
                "NoSuchEntity",
                f"The role with name {name} cannot be found.",
                HTTPStatus.NOT_FOUND,
            )
        return simulation.simulate(parameters, documents)
