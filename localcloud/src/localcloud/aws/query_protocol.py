"""AWS's query protocol: requests as forms, responses as XML, validated against botocore's model.

Source: Smithy, "AWS Query protocol".
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import botocore.loaders
import botocore.model

from localcloud.aws.protocol import ApiError
from localcloud.aws.shapes import constraint_problems

CONTENT_TYPE: Final = "text/xml"
_BOOLEANS: Final = {"true": True, "false": False}
_Tree = dict[str, Any]


class QueryProtocol:
    """One service's operations, from botocore's model of it."""

    def __init__(self, service: str) -> None:
        """Load the model of a service by botocore's name for it."""
        description = botocore.loaders.Loader().load_service_model(service, "service-2")
        self._model = botocore.model.ServiceModel(description, service)
        self._version = str(self._model.metadata["apiVersion"])
        self._namespace = str(self._model.metadata["xmlNamespace"])

    def read(self, body: bytes) -> tuple[str, dict[str, Any]]:
        """Return a request's operation and its validated parameters.

        Raises:
            ApiError: InvalidAction, MalformedInput or ValidationError, with all problems.
        """
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        operation, version = form.pop("Action", ""), form.pop("Version", "")
        if operation not in self._model.operation_names or version != self._version:
            raise ApiError(
                "InvalidAction",
                f"Could not find operation {operation} for version {version or 'NO_VERSION'}",
            )
        shape = self._model.operation_model(operation).input_shape
        if shape is None:
            return operation, {}
        parameters: dict[str, Any] = _value(shape, _tree(form), "")
        violations = list(constraint_problems(shape, parameters))
        if violations:
            plural = "" if len(violations) == 1 else "s"
            raise ApiError(
                "ValidationError",
                f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}",
            )
        return operation, parameters

    def encode(self, operation: str, result: Mapping[str, Any]) -> bytes:
        """Encode an operation's result."""
        root = ET.Element(f"{operation}Response", xmlns=self._namespace)
        shape = self._model.operation_model(operation).output_shape
        wrapper = ET.SubElement(root, f"{operation}Result")
        if shape is not None:
            _append(wrapper, shape, result)
        metadata = ET.SubElement(root, "ResponseMetadata")
        ET.SubElement(metadata, "RequestId").text = str(uuid.uuid4())
        return _document(root)

    def encode_error(self, error: ApiError) -> bytes:
        """Encode an error."""
        root = ET.Element("ErrorResponse", xmlns=self._namespace)
        details = ET.SubElement(root, "Error")
        is_senders = error.status < HTTPStatus.INTERNAL_SERVER_ERROR
        ET.SubElement(details, "Type").text = "Sender" if is_senders else "Receiver"
        ET.SubElement(details, "Code").text = error.code
        ET.SubElement(details, "Message").text = error.message
        ET.SubElement(root, "RequestId").text = str(uuid.uuid4())
        return _document(root)


def _document(root: ET.Element) -> bytes:
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _tree(form: Mapping[str, str]) -> _Tree:
    """Return the form as a tree: `A.member.1.B` becomes A → member → 1 → B."""
    tree: _Tree = {}
    for name, value in form.items():
        *branches, leaf = name.split(".")
        node = tree
        for branch in branches:
            node = node.setdefault(branch, {})
            if not isinstance(node, dict):
                raise _malformed(name, "has a value and members")
        if leaf in node:
            raise _malformed(name, "has a value and members")
        node[leaf] = value
    return tree


def _value(shape: botocore.model.Shape, node: Any, path: str) -> Any:  # noqa: ANN401 - any shape
    if isinstance(shape, botocore.model.StructureShape):
        return _structure(shape, node, path)
    if isinstance(shape, botocore.model.ListShape):
        return _list(shape, node, path)
    if isinstance(shape, botocore.model.MapShape):
        return _map(shape, node, path)
    if not isinstance(node, str):
        raise _malformed(path, f"must be of type {shape.type_name}")
    return _scalar(shape.type_name, node, path)


def _structure(shape: botocore.model.StructureShape, node: Any, path: str) -> dict[str, Any]:  # noqa: ANN401 - a branch or a leaf
    if not isinstance(node, dict):
        raise _malformed(path, "must be of type structure")
    unknown = sorted(set(node) - set(shape.members))
    if unknown:
        raise _malformed(_join(path, unknown[0]), "is unknown")
    return {
        name: _value(shape.members[name], value, _join(path, name)) for name, value in node.items()
    }


def _list(shape: botocore.model.ListShape, node: Any, path: str) -> list[Any]:  # noqa: ANN401 - a branch or a leaf
    # boto3 sends an empty list as an empty value.
    if node == "":
        return []
    members = node.get("member") if isinstance(node, dict) else None
    if not isinstance(members, dict) or not all(index.isdecimal() for index in members):
        raise _malformed(path, "must be of type list")
    return [
        _value(shape.member, members[index], f"{path}.{index}.member")
        for index in sorted(members, key=int)
    ]


def _map(shape: botocore.model.MapShape, node: Any, path: str) -> dict[str, Any]:  # noqa: ANN401 - a branch or a leaf
    # boto3 sends an empty map as an empty value.
    if node == "":
        return {}
    entries = node.get("entry") if isinstance(node, dict) else None
    key_name, value_name = _entry_names(shape)
    if not isinstance(entries, dict) or not all(
        index.isdecimal() and isinstance(entry, dict) and set(entry) == {key_name, value_name}
        for index, entry in entries.items()
    ):
        raise _malformed(path, "must be of type map")
    return {
        _value(shape.key, entries[index][key_name], path): _value(
            shape.value, entries[index][value_name], f"{path}.entry.{index}.{value_name}"
        )
        for index in sorted(entries, key=int)
    }


def _entry_names(shape: botocore.model.MapShape) -> tuple[str, str]:
    """Return the names of an entry's key and value."""
    names = shape.key.serialization, shape.value.serialization
    return str(names[0].get("name", "key")), str(names[1].get("name", "value"))


def _scalar(type_name: str, text: str, path: str) -> str | int | bool:
    if type_name in {"integer", "long"}:
        try:
            return int(text)
        except ValueError:
            raise _malformed(path, f"must be of type {type_name}") from None
    if type_name == "boolean":
        if text not in _BOOLEANS:
            raise _malformed(path, "must be of type boolean")
        return _BOOLEANS[text]
    return text


def _append(parent: ET.Element, shape: botocore.model.Shape, value: Any) -> None:  # noqa: ANN401 - any shape
    """Append a value's members to an element, or set its text."""
    if isinstance(shape, botocore.model.StructureShape):
        for name, member in value.items():
            if member is not None:
                _append(ET.SubElement(parent, name), shape.members[name], member)
    elif isinstance(shape, botocore.model.ListShape):
        for member in value:
            _append(ET.SubElement(parent, "member"), shape.member, member)
    elif isinstance(shape, botocore.model.MapShape):
        key_name, value_name = _entry_names(shape)
        for key, member in value.items():
            entry = ET.SubElement(parent, "entry")
            _append(ET.SubElement(entry, key_name), shape.key, key)
            _append(ET.SubElement(entry, value_name), shape.value, member)
    elif isinstance(value, bool):
        parent.text = str(value).lower()
    elif isinstance(value, dt.datetime):
        parent.text = value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    else:
        parent.text = str(value)


def _malformed(path: str, problem: str) -> ApiError:
    return ApiError("MalformedInput", f"{path or 'the request'} {problem}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
