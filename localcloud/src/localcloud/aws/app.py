"""The endpoint's signed requests: App Runner and ECR's addresses here, all else by ministack."""

import contextlib
import copy
import logging
import uuid
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import registry, user_pools
from localcloud.aws.apprunner.runner import Runner
from localcloud.aws.protocol import (
    CONTENT_TYPE,
    ApiError,
    ServiceProtocol,
    encode,
    encode_error,
    without_nulls,
)
from localcloud.aws.registry import (
    Registry,
    RegistryFront,
    body_of,
    header,
    replaying,
    respond,
)
from localcloud.aws.tokens import PATH as TOKEN_PATH
from localcloud.aws.tokens import TokenFront

_LOG = logging.getLogger(__name__)


class Endpoint:
    """One address for all of AWS."""

    def __init__(
        self,
        *,
        runner: Runner,
        images: Registry,
        registry: RegistryFront,
        tokens: TokenFront,
        ministack: ASGIApp,
    ) -> None:
        """Put the parts together.

        Args:
            runner: App Runner.
            images: the registry's addresses.
            registry: answers for ECR.
            tokens: answers at the token endpoint.
            ministack: all other services.
        """
        self._runner = runner
        self._images = images
        self._ministack = ministack
        self._registry = registry
        self._tokens = tokens
        self._protocol = ServiceProtocol("apprunner")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Args:
            scope: the request.
            receive: its body.
            send: takes the answer.
        """
        if scope["type"] != "http":
            await self._ministack(scope, receive, send)
            return
        target = header(scope, b"x-amz-target")
        if target.startswith(f"{self._protocol.target_prefix}."):
            await self._app_runner(receive, send, target)
        elif target.startswith(f"{registry.TARGET_PREFIX}."):
            await self._registry.control_plane(scope, receive, send)
        elif scope["path"] == TOKEN_PATH:
            await self._tokens(scope, receive, send)
        elif user_pools.resets(target):
            body = user_pools.completed(target, await body_of(receive))
            await self._ministack(_of_length(scope, len(body)), replaying(body, receive), send)
        else:
            await self._ministack(scope, receive, send)

    async def _app_runner(self, receive: Receive, send: Send, target: str) -> None:
        try:
            operation, parameters = self._protocol.read(target, await body_of(receive))
            self._protocol.validate(operation, self._with_aws_image(parameters))
            answer = await self._runner.call(operation, without_nulls(parameters))
            status, body = int(HTTPStatus.OK), encode(answer)
        except ApiError as error:
            status, body = error.status, encode_error(error)
        except Exception:  # whatever goes wrong here, the caller gets AWS's error  # noqa: BLE001
            _LOG.exception("%s failed", target)
            failure = ApiError("InternalServiceErrorException", "See the stand-in's output.")
            status, body = int(HTTPStatus.INTERNAL_SERVER_ERROR), encode_error(failure)
        headers = {"content-type": CONTENT_TYPE, "x-amzn-requestid": str(uuid.uuid4())}
        await respond(send, status, body, headers)

    def _with_aws_image(self, parameters: Any) -> Any:  # noqa: ANN401 - not validated yet
        """Name the image as AWS does.

        ImageIdentifier's pattern knows registries under amazonaws.com only; the local one is the
        account's own under another address.
        """
        named = copy.deepcopy(parameters)
        # Whatever is not of this shape is for the validation to tell.
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            image = named["SourceConfiguration"]["ImageRepository"]
            image["ImageIdentifier"] = self._images.to_aws(image["ImageIdentifier"])
        return named


def _of_length(scope: Scope, length: int) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-length"]
    return {**scope, "headers": [*kept, (b"content-length", str(length).encode())]}
