"""AWS's JSON protocol, validated against a service's botocore model."""

import datetime as dt
import json
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import botocore.loaders
import botocore.model

CONTENT_TYPE = "application/x-amz-json-1.0"
CONTENT_TYPE_1_1 = "application/x-amz-json-1.1"
_CATEGORY = re.compile(r"\\p\{(\w+)\}")
_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "timestamp": (int, float),
    "blob": str,
}


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
        unreadable = list(_type_problems(shape, parameters, ""))
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


def _type_problems(shape: botocore.model.Shape, value: object, path: str) -> Iterator[str]:
    """Find values with the wrong JSON type, and members that the shape doesn't declare."""
    expected = _PYTHON_TYPES[shape.type_name]
    is_bool_for_number = isinstance(value, bool) and shape.type_name != "boolean"
    if not isinstance(value, expected) or is_bool_for_number:
        yield f"{path or 'the request'} must be of type {shape.type_name}"
    elif isinstance(shape, botocore.model.StructureShape) and isinstance(value, dict):
        for name, member in value.items():
            if name not in shape.members:
                yield f"{_join(path, name)} is unknown"
            elif member is not None:
                yield from _type_problems(shape.members[name], member, _join(path, name))
    elif isinstance(shape, botocore.model.MapShape) and isinstance(value, dict):
        for name, member in value.items():
            yield from _type_problems(shape.value, member, _join(path, name))
    elif isinstance(shape, botocore.model.ListShape) and isinstance(value, list):
        for index, member in enumerate(value, start=1):
            yield from _type_problems(shape.member, member, f"{path}.{index}.member")


def constraint_problems(
    shape: botocore.model.Shape,
    value: Any,  # noqa: ANN401 - of any shape
    path: str = "",
) -> Iterator[str]:
    """Find values that violate the shape's constraints, in AWS's words.

    Args:
        shape: the shape.
        value: a value with the shape's types.
        path: the value's place in the request.
    """
    if isinstance(shape, botocore.model.StructureShape):
        yield from _member_problems(shape, value, path)
    elif isinstance(shape, botocore.model.MapShape):
        for name, member in value.items():
            yield from constraint_problems(shape.key, name, path)
            yield from constraint_problems(shape.value, member, _join(path, name))
    elif isinstance(shape, botocore.model.ListShape):
        for index, member in enumerate(value, start=1):
            yield from constraint_problems(shape.member, member, f"{path}.{index}.member")
    elif isinstance(shape, botocore.model.StringShape):
        yield from _string_problems(shape, value, path)
    elif shape.type_name in {"integer", "long"}:
        yield from _range_problems(shape, value, path)


def _member_problems(
    shape: botocore.model.StructureShape, value: Mapping[str, Any], path: str
) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _violation(_join(path, name), None, "Member must not be null")
    for name, member in value.items():
        if member is not None:
            yield from constraint_problems(shape.members[name], member, _join(path, name))


def _string_problems(shape: botocore.model.StringShape, value: str, path: str) -> Iterator[str]:
    metadata = shape.metadata
    shown = None if metadata.get("sensitive") else value
    if shape.enum and value not in shape.enum:
        allowed = ", ".join(shape.enum)
        yield _violation(path, shown, f"Member must satisfy enum value set: [{allowed}]")
    if len(value) < metadata.get("min", 0):
        least = metadata["min"]
        yield _violation(path, shown, f"Member must have length greater than or equal to {least}")
    if "max" in metadata and len(value) > metadata["max"]:
        most = metadata["max"]
        yield _violation(path, shown, f"Member must have length less than or equal to {most}")
    pattern = metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield _violation(path, shown, f"Member must satisfy regular expression pattern: {pattern}")


def _matches(pattern: str, value: str) -> bool:
    r"""Match a model's pattern, which is one of Java's: only that has categories, `\p{L}`."""

    def characters(found: re.Match[str]) -> str:
        # Those of the value are enough; one that it doesn't have keeps a set from being empty.
        absent = next(code for code in range(sys.maxunicode, 0, -1) if chr(code) not in value)
        inside = [each for each in value if unicodedata.category(each).startswith(found[1])]
        return "".join(re.escape(each) for each in [*inside, chr(absent)])

    return re.fullmatch(_CATEGORY.sub(characters, pattern), value, re.ASCII) is not None


def _range_problems(shape: botocore.model.Shape, value: int, path: str) -> Iterator[str]:
    metadata = shape.metadata
    if "min" in metadata and value < metadata["min"]:
        least = metadata["min"]
        yield _violation(
            path, str(value), f"Member must have value greater than or equal to {least}"
        )
    if "max" in metadata and value > metadata["max"]:
        most = metadata["max"]
        yield _violation(path, str(value), f"Member must have value less than or equal to {most}")


def _violation(path: str, value: str | None, constraint: str) -> str:
    shown = "Value" if value is None else f"Value '{value}'"
    return f"{shown} at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member
