"""Lambda functions, as other services of the account invoke them.

Requests go to ministack directly: a service of AWS signs nothing on this machine. ministack doesn't
evaluate the functions' policies for them, so that happens here.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response
from starlette.types import ASGIApp

from localcloud.aws import asgi
from localcloud.aws.iam import rules as iam

_BASE: Final = "/2015-03-31/functions"
_ERROR_HEADER: Final = b"x-amz-function-error"
# Source: the longest timeout of a function, 15 minutes, and a minute for its start.
_TIME_LIMIT: Final = 16 * 60


@dataclass(frozen=True, kw_only=True)
class Source:
    """Who invokes a function.

    Attributes:
        service: the service principal, such as secretsmanager.amazonaws.com.
        arn: the resource on behalf of which it invokes the function.
    """

    service: str
    arn: str


class Functions:
    """The account's Lambda functions."""

    def __init__(self, ministack: ASGIApp, account_id: str) -> None:
        """Invoke the functions that ministack runs."""
        self._ministack = ministack
        self._account_id = account_id

    async def lets(self, function: str, source: Source) -> bool:
        """Return whether a function exists and its policy lets a service invoke it.

        Args:
            function: the function's ARN.
            source: the service.
        """
        # Lambda refuses to add a policy for $LATEST, so the function's own decides.
        function = function.removesuffix(":$LATEST")
        response = await self._request("GET", function, "policy")
        if response.status_code != HTTPStatus.OK:
            return False
        document = json.loads(json.loads(bytes(response.body))["Policy"])
        context = {"aws:SourceArn": source.arn, "aws:SourceAccount": self._account_id}
        return iam.lets_service(
            document, source.service, "lambda:InvokeFunction", function, context
        )

    async def invoke(self, function: str, event: Mapping[str, Any], source: Source) -> str | None:
        """Invoke a function and wait for it.

        Args:
            function: the function's ARN.
            event: the event.
            source: who invokes it.

        Returns:
            None, or what went wrong.
        """
        if not await self.lets(function, source):
            return f"the policy of {function} doesn't let {source.service} invoke it"
        try:
            async with asyncio.timeout(_TIME_LIMIT):
                response = await self._request(
                    "POST", function, "invocations", json.dumps(event).encode()
                )
        except TimeoutError:
            return f"no response within {_TIME_LIMIT} s"
        # ministack's header names are capitalized.
        headers = {name.lower() for name, _ in response.raw_headers}
        failed = response.status_code != HTTPStatus.OK or _ERROR_HEADER in headers
        return bytes(response.body).decode("utf-8", "replace") if failed else None

    async def send(self, function: str, event: bytes, source: Source) -> str | None:
        """Send an event to a function, without waiting for it.

        Args:
            function: the function's ARN.
            event: the event, as JSON.
            source: who sends it.

        Returns:
            None, or why Lambda didn't accept it.
        """
        if not await self.lets(function, source):
            return f"the policy of {function} doesn't let {source.service} invoke it"
        response = await self._request(
            "POST", function, "invocations", event, {"x-amz-invocation-type": "Event"}
        )
        if response.status_code != HTTPStatus.ACCEPTED:
            return bytes(response.body).decode("utf-8", "replace")
        return None

    async def _request(
        self,
        method: str,
        function: str,
        resource: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        name = function.rpartition(":function:")[2]
        scope = asgi.request_scope(
            method,
            f"{_BASE}/{name}/{resource}",
            {
                "content-type": "application/json",
                "content-length": str(len(body)),
                **(headers or {}),
            },
        )
        return await asgi.call(self._ministack, scope, body)
