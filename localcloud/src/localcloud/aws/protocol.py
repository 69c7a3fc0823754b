"""AWS's JSON protocol, validated against a service's botocore model."""

import datetime as dt
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import botocore.loaders
import botocore.model

from localcloud.aws.shapes import constraint_problems, type_problems

CONTENT_TYPE = "application/x-amz-json-1.0"
CONTENT_TYPE_1_1 = "application/x-amz-json-1.1"


class ApiError(Exception):
    """An error response of the service."""

    def __init__(self, code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        """Create an error with the service's code, such as InvalidRequestException."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class ServiceProtocol:
    """One service's operations, from botocore's model of it."""

    def __init__(self, service: str) -> None:
        """Load the model of a service by botocore's name for it."""
        description = botocore.loaders.Loader().load_service_model(service, "service-2")
        self._model = botocore.model.ServiceModel(description, service)
        self.target_prefix = str(self._model.metadata["targetPrefix"])
        self._query_compatible = "awsQueryCompatible" in self._model.metadata

    def read(self, target: str, body: bytes) -> tuple[str, Any]:
        """Return a request's operation and its parameters, which aren't validated yet.

        Args:
            target: the X-Amz-Target header.
            body: the request's body.

        Raises:
            ApiError: UnknownOperationException or SerializationException.
        """
        operation = target.removeprefix(f"{self.target_prefix}.")
        if operation not in self._model.operation_names:
            raise ApiError("UnknownOperationException", f"No operation is named {operation!r}.")
        try:
            return operation, json.loads(body or b"{}")
        except ValueError as error:
            raise ApiError("SerializationException", "The request's body is not JSON.") from error

    def error_headers(self, error: ApiError) -> Mapping[str, str]:
        """Return the headers of an error response.

        A service that had the query protocol before keeps that protocol's codes in a header, from
        which SDKs take them (the trait awsQueryCompatible in Smithy's documentation).
        """
        if not self._query_compatible:
            return {}
        shapes = {shape.name: shape for shape in self._model.error_shapes}
        shape = shapes.get(error.code)
        code = shape.metadata.get("error", {}).get("code", shape.name) if shape else error.code
        fault = "Sender" if error.status < HTTPStatus.INTERNAL_SERVER_ERROR else "Receiver"
        return {"x-amzn-query-error": f"{code};{fault}"}

    def validate(self, operation: str, parameters: Any) -> None:  # noqa: ANN401 - JSON of any shape
        """Compare a request's parameters with the operation's shape.

        Raises:
            ApiError: SerializationException (a type is wrong or a member unknown) or
                ValidationException (a constraint is not satisfied), as from AWS's JSON services;
                with all problems.
        """
        shape = self._model.operation_model(operation).input_shape
        if shape is None:
            return
        unreadable = list(type_problems(shape, parameters))
        if unreadable:
            raise ApiError("SerializationException", "; ".join(unreadable))
        violations = list(constraint_problems(shape, parameters))
        if violations:
            plural = "" if len(violations) == 1 else "s"
            raise ApiError(
                "ValidationException",
                f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}",
            )


def encode(result: Mapping[str, Any]) -> bytes:
    """Encode an operation's result, with timestamps as epoch seconds and without null members."""
    return json.dumps(without_nulls(dict(result)), default=_epoch_seconds).encode()


def encode_error(error: ApiError) -> bytes:
    """Encode an error."""
    # App Runner's model has the member Message, but most clients read message.
    return json.dumps(
        {"__type": error.code, "Message": error.message, "message": error.message}
    ).encode()


def _epoch_seconds(value: object) -> float:
    if isinstance(value, dt.datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"{type(value).__name__} is not a type of AWS's JSON protocol")


def without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    """Drop null members, also of nested structures: in AWS's JSON protocol, null means absent."""
    return {
        key: without_nulls(member) if isinstance(member, dict) else member
        for key, member in value.items()
        if member is not None
    }
