"""App Runner's API over HTTP: reads and validates a request, and encodes the response."""

import contextlib
import copy
from typing import Any

from starlette.types import Receive, Scope, Send

from localcloud.aws.apprunner.customers import Customers
from localcloud.aws.apprunner.requests import JsonObject
from localcloud.aws.apprunner.thread import AppRunnerThread
from localcloud.aws.ecr.models import Registry
from localcloud.aws.json_api import JsonApi
from localcloud.aws.protocol import CONTENT_TYPE, ServiceProtocol

TARGET_PREFIX = "AppRunner"


class AppRunnerApp:
    """ASGI application for App Runner's API."""

    def __init__(self, thread: AppRunnerThread, registry: Registry, customers: Customers) -> None:
        """Pass requests on to App Runner on its thread."""
        self._thread = thread
        self._registry = registry
        self._customers = customers
        self._api = JsonApi(
            protocol=ServiceProtocol("apprunner"),
            call=self._call,
            content_type=CONTENT_TYPE,
            internal_error="InternalServiceErrorException",
            as_validated=self._with_aws_image,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        await self._api(scope, receive, send)

    async def _call(self, operation: str, parameters: JsonObject) -> JsonObject:
        self._customers.check(operation)
        return await self._thread.call(operation, parameters)

    def _with_aws_image(self, parameters: Any) -> Any:  # noqa: ANN401 - not validated yet
        """Return the request with the image's name on AWS.

        ImageIdentifier's pattern accepts only registries under amazonaws.com; the local one is
        the account's own at another address.
        """
        named = copy.deepcopy(parameters)
        # Validation reports a request of another shape.
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            image = named["SourceConfiguration"]["ImageRepository"]
            image["ImageIdentifier"] = self._registry.to_aws(image["ImageIdentifier"])
        return named
