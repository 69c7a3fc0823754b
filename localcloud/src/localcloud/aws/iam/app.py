"""IAM's API in front of ministack's, which ignores missing roles, and conditions in simulations."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.iam import simulation, trust
from localcloud.aws.iam.roles import Roles
from localcloud.aws.protocol import ApiError
from localcloud.aws.query_api import QueryApi
from localcloud.aws.query_protocol import CONTENT_TYPE, QueryProtocol

SERVICE: Final = "iam"
"""Its name in signatures."""
_TRUST_POLICIES: Final = {
    "CreateRole": "AssumeRolePolicyDocument",
    "UpdateAssumeRolePolicy": "PolicyDocument",
}
"""The parameters that are trust policies, by operation."""


class IamApp:
    """Serves IAM's API, with ministack as the store."""

    def __init__(self, ministack: ASGIApp, roles: Roles) -> None:
        """Pass requests on to ministack, except simulations and trust in what doesn't exist.

        Args:
            ministack: the store.
            roles: the account's roles.
        """
        self._ministack = ministack
        self._roles = roles
        self._protocol = QueryProtocol(SERVICE)
        self._simulator = QueryApi(protocol=self._protocol, call=self._simulate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        body = await Request(scope, receive).body()
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        if error := self._distrust(form):
            content = self._protocol.encode_error(error)
            await Response(content, error.status, media_type=CONTENT_TYPE)(scope, receive, send)
            return
        is_simulation = form.get("Action", "").startswith("Simulate")
        application = self._simulator if is_simulation else self._ministack
        await application(scope, asgi.replay(body, receive), send)

    def _distrust(self, form: Mapping[str, str]) -> ApiError | None:
        """Return the error for a trust policy with a role that doesn't exist."""
        document = form.get(_TRUST_POLICIES.get(form.get("Action", ""), ""), "")
        for arn in trust.named_roles(document, self._roles.account):
            if self._roles.documents(arn) is None:
                return ApiError(
                    "MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{arn}"'
                )
        return None

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
