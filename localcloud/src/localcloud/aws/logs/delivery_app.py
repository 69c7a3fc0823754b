"""The operations of CloudWatch Logs that change deliveries, in front of ministack's.

Sources: the Amazon CloudWatch Logs API reference, "Configure standard logging (v2)" in the Amazon
CloudFront Developer Guide, and the messages in public reports.
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.logs.deliveries import Deliveries, Source
from localcloud.aws.own_service import Destination
from localcloud.aws.protocol import (
    CONTENT_TYPE_1_1,
    ApiError,
    ServiceProtocol,
    encode_error,
    without_nulls,
)

LOAD_BALANCER_LOG: Final = "ALB_ACCESS_LOGS"
EDGE_LOG: Final = "ACCESS_LOGS"
_LOG_TYPES: Final = {"elasticloadbalancing": LOAD_BALANCER_LOG, "cloudfront": EDGE_LOG}
_EDGE_REGION: Final = "us-east-1"
_FORMAT: Final = "json"
_GROUP: Final = re.compile(r"arn:aws:logs:[^:]+:\d{12}:log-group:([^:]+)(?::\*)?")
_HANDLED: Final = frozenset(
    {
        "CreateDelivery",
        "DeleteDelivery",
        "DeleteDeliveryDestination",
        "DeleteDeliverySource",
        "PutDeliveryDestination",
        "PutDeliverySource",
        "UpdateDeliveryConfiguration",
    }
)
_PREFIX: Final = "Logs_20140328"


def handles(request: Destination) -> bool:
    """Return whether a request changes deliveries."""
    _, _, operation = Request(request.scope).headers.get("x-amz-target", "").partition(".")
    return request.target == _PREFIX and operation in _HANDLED


class Resources(Protocol):
    """Looks up what can send logs."""

    async def has_load_balancer(self, arn: str) -> bool:
        """Return whether a load balancer exists and is active."""

    async def has_distribution(self, arn: str) -> bool:
        """Return whether a distribution exists."""


class DeliveryApp:
    """Checks what ministack doesn't, and follows what it has changed."""

    def __init__(
        self, ministack: ASGIApp, deliveries: Deliveries, resources: Resources, region: str
    ) -> None:
        """Pass requests on to ministack.

        Args:
            ministack: keeps what was put.
            deliveries: what is delivered where.
            resources: what can send logs.
            region: the only region that the stand-in delivers in.
        """
        self._ministack = ministack
        self._deliveries = deliveries
        self._resources = resources
        self._region = region
        self._protocol = ServiceProtocol("logs")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = Request(scope, receive)
        body = await request.body()
        try:
            operation, parameters = self._protocol.read(request.headers["x-amz-target"], body)
            # ministack's ids have hyphens, which AWS's don't.
            if operation != "DeleteDelivery":
                self._protocol.validate(operation, parameters)
            parameters = without_nulls(parameters)
            await self._check(operation, parameters)
            response = await asgi.call(self._ministack, scope, body)
            if response.status_code == HTTPStatus.OK:
                self._follow(operation, parameters, json.loads(bytes(response.body)))
        except ApiError as error:
            response = Response(encode_error(error), error.status, media_type=CONTENT_TYPE_1_1)
        await response(scope, receive, send)

    async def _check(self, operation: str, parameters: Mapping[str, Any]) -> None:
        match operation:
            case "PutDeliverySource":
                await self._check_source(parameters)
            case "PutDeliveryDestination":
                _check_destination(parameters)
            case "CreateDelivery":
                _refuse(parameters, "recordFields", "fieldDelimiter", "s3DeliveryConfiguration")
            case "UpdateDeliveryConfiguration":
                raise ApiError("ValidationException", f"The stand-in doesn't support {operation}.")
            case "DeleteDeliverySource" if self._deliveries.is_used(source=parameters["name"]):
                raise _in_use("Delivery Source")
            case "DeleteDeliveryDestination" if self._deliveries.is_used(
                destination=parameters["name"]
            ):
                raise _in_use("Delivery Destination")

    async def _check_source(self, parameters: Mapping[str, Any]) -> None:
        _refuse(parameters, "deliverySourceConfiguration")
        source = _source(parameters)
        service = source.resource_arn.split(":")[2] if source.resource_arn.count(":") > 1 else ""
        if _LOG_TYPES.get(service) != source.log_type:
            raise ApiError(
                "ValidationException",
                f"The stand-in delivers no {source.log_type} of {service or 'such an ARN'}.",
            )
        is_edge = source.log_type == EDGE_LOG
        if is_edge and self._region != _EDGE_REGION:
            raise ApiError(
                "ValidationException",
                "PutDeliverySource action is not supported for this LogType in region"
                f" {self._region}",
            )
        exists = self._resources.has_distribution if is_edge else self._resources.has_load_balancer
        if not await exists(source.resource_arn):
            raise ApiError("ResourceNotFoundException", "Requested resource does not exist.")
        other = self._deliveries.name_of(source)
        if other is not None and other != parameters["name"]:
            raise ApiError(
                "ConflictException",
                "This ResourceId has already been used in another Delivery Source in this account",
            )

    def _follow(
        self, operation: str, parameters: Mapping[str, Any], result: Mapping[str, Any]
    ) -> None:
        match operation:
            case "PutDeliverySource":
                self._deliveries.put_source(parameters["name"], _source(parameters))
            case "PutDeliveryDestination":
                self._deliveries.put_destination(parameters["name"], _group(parameters))
            case "CreateDelivery":
                _, _, destination = parameters["deliveryDestinationArn"].rpartition(":")
                self._deliveries.add(
                    result["delivery"]["id"],
                    source=parameters["deliverySourceName"],
                    destination=destination,
                )
            case "DeleteDelivery":
                self._deliveries.remove(parameters["id"])
            case "DeleteDeliverySource":
                self._deliveries.remove_source(parameters["name"])
            case "DeleteDeliveryDestination":
                self._deliveries.remove_destination(parameters["name"])


def _source(parameters: Mapping[str, Any]) -> Source:
    return Source(resource_arn=parameters["resourceArn"], log_type=parameters["logType"])


def _group(parameters: Mapping[str, Any]) -> str:
    """Return the name of a destination's log group.

    Raises:
        ApiError: the destination isn't a log group.
    """
    configuration = parameters.get("deliveryDestinationConfiguration", {})
    found = _GROUP.fullmatch(configuration.get("destinationResourceArn", ""))
    if found is None:
        raise ApiError("ValidationException", "The stand-in delivers to log groups only.")
    return found[1]


def _check_destination(parameters: Mapping[str, Any]) -> None:
    _refuse(parameters, "roleArn")
    _group(parameters)
    if parameters.get("outputFormat") != _FORMAT:
        raise ApiError("ValidationException", f"The stand-in's only outputFormat is {_FORMAT}.")


def _refuse(parameters: Mapping[str, Any], *names: str) -> None:
    unsupported = [name for name in names if parameters.get(name)]
    if unsupported:
        raise ApiError(
            "ValidationException", f"The stand-in doesn't support {', '.join(unsupported)}."
        )


def _in_use(what: str) -> ApiError:
    return ApiError("ConflictException", f"{what} is used by a delivery, which has to go first.")
